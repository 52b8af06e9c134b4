/* SPDX-License-Identifier: Apache-2.0 */
/* agents: what users write and try out.
 *
 * Offers   POST GET /agents, GET PUT DELETE /agents/{agent_id}: agents, each its owner's.  A
 *          deleted agent takes its deployments with it.
 *          GET /agents/{agent_id}/chain: which agents and MCP servers an agent reaches.
 *          POST /agents/run-code: runs code and answers its result and its trace;
 *          POST /agents/run-code/stream: the same, with the trace as it happens.
 * Uses     agent_runtime/1 at the moment of a run; without one, runs answer 503 and all else works.
 *
 * Settings code_max_bytes   of one agent's code (524288)
 *
 * Example  plugins:
 *            agents:
 *              code_max_bytes: 1048576
 */
#include "agent_doc.h"
#include "agent_schemas.h"
#include "agents.h"
#include "cleanup.h"
#include "http_json.h"
#include <einion/services.h>

static const struct ein_route routes[] = {
    { .auth = EIN_AUTH_USER,
      .method = "POST",
      .path = "/agents",
      .operation_id = "create_agent",
      .summary = "Create an agent",
      .body_schema = AGENT_CREATE_SCHEMA,
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:write",
      .status = 201,
      .handle = agents_create },
    { .auth = EIN_AUTH_USER,
      .method = "GET",
      .path = "/agents",
      .operation_id = "list_agents",
      .summary = "All agents of the caller, in order of creation",
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = AGENT_LIST_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_list },
    { .auth = EIN_AUTH_USER,
      .method = "GET",
      .path = "/agents/{agent_id}",
      .operation_id = "get_agent",
      .summary = "One agent",
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_get },
    { .auth = EIN_AUTH_USER,
      .method = "PUT",
      .path = "/agents/{agent_id}",
      .operation_id = "update_agent",
      .summary = "Change the fields that are present",
      .body_schema = AGENT_UPDATE_SCHEMA,
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = agents_update },
    { .auth = EIN_AUTH_USER,
      .method = "DELETE",
      .path = "/agents/{agent_id}",
      .operation_id = "delete_agent",
      .summary = "Delete an agent and its deployments",
      .scope = "agents:write",
      .status = 204,
      .handle = agents_delete },
    { .auth = EIN_AUTH_USER,
      .method = "GET",
      .path = "/agents/{agent_id}/chain",
      .operation_id = "get_agent_chain",
      .summary = "The agents and MCP servers that an agent reaches",
      .reply_schema = CHAIN_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_chain },
    { .auth = EIN_AUTH_USER,
      .method = "POST",
      .path = "/agents/run-code",
      .operation_id = "run_code",
      .summary = "Run agent code",
      .body_schema = RUN_CODE_SCHEMA,
      .reply_schema = RUN_RESULT_SCHEMA,
      .scope = "agents:run",
      .status = 200,
      .handle = agents_run_code },
    { .flags = EIN_ROUTE_EVENTS,
      .auth = EIN_AUTH_USER,
      .method = "POST",
      .path = "/agents/run-code/stream",
      .operation_id = "run_code_stream",
      .summary = "Run agent code and follow its trace",
      .body_schema = RUN_CODE_SCHEMA,
      .reply_type = "text/event-stream",
      .scope = "agents:run",
      .status = 200,
      .handle = agents_run_code_stream },
};

static void fini(void *self)
{
    struct agents *agents = self;

    json_decref(agents->exclusions);
    free(agents);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct agents *agents = calloc(1, sizeof(*agents));
    int r;

    if (!agents)
        return host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    agents->host = host;
    agents->ctx = ctx;
    agents->code_max = (size_t)json_integer_value(json_object_get(config, "code_max_bytes"));
    agents->exclusions = exclusions_load();
    r = agents->exclusions ? EIN_ADD_ROUTES(host, ctx, routes, agents, err)
                           : host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    if (r < 0) {
        fini(agents);
        return r;
    }
    *ret_self = agents;
    return 0;
}

static int start(void *self, struct ein_error *err)
{
    const struct agents *agents = self;
    const struct ein_store *store = agents->host->store;
    int r = store->index(agents->ctx, AGENT_SET, "userId", err);

    return r < 0 ? r : store->index(agents->ctx, DEPLOYMENT_SET, "agentId", err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "agents",
    .version = "0.1.0",
    .summary = "Agents: written, kept, tried out",
    .config_schema = SCHEMA({
        "type" : "object",
        "properties" : {
            "code_max_bytes" : {
                "type" : "integer",
                "minimum" : 1,
                "maximum" : 16777216,
                "default" : 524288,
                "description" : "The code of an agent; above it 413."
            }
        }
    }),
    .needs = needs,
    .init = init,
    .start = start,
    .fini = fini,
};

EIN_PLUGIN_EXPORT(plugin)
