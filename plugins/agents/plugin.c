/* SPDX-License-Identifier: Apache-2.0 */
/* agents: what users write and try out.
 *
 *   POST GET         /agents                    an agent is its maker's, or its workspace's
 *   GET PUT DELETE   /agents/{agent_id}         a deleted agent takes its deployments and versions
 *                                               with it
 *   GET              /agents/{agent_id}/chain   which agents and MCP servers an agent reaches
 *   GET              /agents/{agent_id}/versions            what it has been: every save is one
 *   GET              /agents/{agent_id}/versions/{version}  one, whole
 *   GET              .../versions/{version}/diff?to=        what changed from it to another
 *   POST             .../versions/{version}/restore         the agent becomes that again
 *   GET              /agents/{agent_id}/secrets             the names of its secrets
 *   PUT DELETE       /agents/{agent_id}/secrets/{name}      sealed in the vault, given to the runs
 *                                               of the saved agent as environment
 *   POST             /agents/run-code           runs code and answers its result and its trace
 *   POST             /agents/run-code/stream    the same, with the trace as it happens
 *   POST             /runs/{run_id}/repeat      a run once more: the same code, input and
 *                                               declarations; as an event stream by Accept
 *
 * An agent with a `workspaceId` is read and run by the members of that workspace, and changed by
 * whoever made it and by the admins; its maker may put it there, and an admin of both places move
 * it.  To all others it is not there.  Its answers show `workspaceId` where it has one.
 *
 * Needs storage_backend/1.  Asks agent_runtime/1 at the moment of a run; without one, runs answer
 * 503 and all else works.
 *
 * Settings
 *   code_max_bytes   the longest code of one agent (524288)
 *   name_max_bytes   the longest name, and friendly name (200)
 *   text_max_bytes   the longest description, and docstring (65536)
 *   secrets_max      secrets of one agent (64)
 *   secret_max_bytes the longest of them (8192)
 *   versions_max     of one agent that are kept; older ones go (100)
 *
 * Example
 *   plugins:
 *     agents:
 *       code_max_bytes: 1048576
 */
#include "agent_doc.h"
#include "agent_run.h"
#include "agent_schemas.h"
#include "agent_secret.h"
#include "agent_version.h"
#include "agents.h"
#include "http_json.h"
#include "init.h"
#include "member.h"
#include "secrets.h"
#include <einion/services.h>
#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "code_max_bytes": {"type": "integer", "minimum": 1, "maximum": 16777216, "default": 524288,
                       "description": "The code of an agent; above it 413."},
    "name_max_bytes": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 200,
                       "description": "The name of an agent, and its friendly name; above it 413."},
    "text_max_bytes": {"type": "integer", "minimum": 1, "maximum": 1048576, "default": 65536,
                       "description": "The description of an agent, and its docstring; above it 413."},
    "secrets_max": {"type": "integer", "minimum": 0, "maximum": 1000, "default": 64,
                    "description": "Secrets of one agent; above it 413."},
    "secret_max_bytes": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 8192,
                         "description": "One secret of an agent; above it 413."},
    "versions_max": {"type": "integer", "minimum": 1, "maximum": 5000, "default": 100,
                     "description": "Versions that are kept of one agent; the oldest go first."}
}});
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/agents",
      .operation_id = "create_agent",
      .summary = "Create an agent",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_ONCE,
      .body_schema = AGENT_CREATE_SCHEMA,
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:write",
      .status = 201,
      .handle = agents_create },
    { .method = "GET",
      .path = "/agents",
      .operation_id = "list_agents",
      .summary = "All agents that the caller may read, in order of creation",
      .auth = EIN_AUTH_USER,
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = AGENT_LIST_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_list },
    { .method = "GET",
      .path = "/agents/{agent_id}",
      .operation_id = "get_agent",
      .summary = "One agent",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_get },
    { .method = "PUT",
      .path = "/agents/{agent_id}",
      .operation_id = "update_agent",
      .summary = "Change the fields that are present",
      .auth = EIN_AUTH_USER,
      .body_schema = AGENT_UPDATE_SCHEMA,
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = agents_update },
    { .method = "DELETE",
      .path = "/agents/{agent_id}",
      .operation_id = "delete_agent",
      .summary = "Delete an agent and its deployments",
      .auth = EIN_AUTH_USER,
      .scope = "agents:write",
      .status = 204,
      .handle = agents_delete },
    { .method = "GET",
      .path = "/agents/{agent_id}/chain",
      .operation_id = "get_agent_chain",
      .summary = "The agents and MCP servers that an agent reaches",
      .auth = EIN_AUTH_USER,
      .reply_schema = CHAIN_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_chain },
    { .method = "GET",
      .path = "/agents/{agent_id}/versions",
      .operation_id = "list_agent_versions",
      .summary = "What an agent has been, oldest first",
      .auth = EIN_AUTH_USER,
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = VERSION_LIST_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_versions },
    { .method = "GET",
      .path = "/agents/{agent_id}/versions/{version}",
      .operation_id = "get_agent_version",
      .summary = "One version of an agent, whole",
      .auth = EIN_AUTH_USER,
      .reply_schema = VERSION_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_version },
    { .method = "GET",
      .path = "/agents/{agent_id}/versions/{version}/diff",
      .operation_id = "diff_agent_versions",
      .summary = "What changed between two versions of an agent",
      .auth = EIN_AUTH_USER,
      .query_schema = DIFF_QUERY_SCHEMA,
      .reply_schema = DIFF_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_version_diff },
    { .method = "POST",
      .path = "/agents/{agent_id}/versions/{version}/restore",
      .operation_id = "restore_agent_version",
      .summary = "Make an agent what it was, as a new version",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_ONCE,
      .reply_schema = AGENT_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = agents_version_restore },
    { .method = "GET",
      .path = "/agents/{agent_id}/secrets",
      .operation_id = "list_agent_secrets",
      .summary = "The names of an agent's secrets",
      .auth = EIN_AUTH_USER,
      .reply_schema = SECRET_LIST_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = agents_secrets },
    { .method = "PUT",
      .path = "/agents/{agent_id}/secrets/{name}",
      .operation_id = "set_agent_secret",
      .summary = "Give an agent a secret, or another one",
      .auth = EIN_AUTH_USER,
      .body_schema = SECRET_BODY_SCHEMA,
      .scope = "agents:write",
      .status = 204,
      .handle = agents_secret_put },
    { .method = "DELETE",
      .path = "/agents/{agent_id}/secrets/{name}",
      .operation_id = "delete_agent_secret",
      .summary = "Take a secret from an agent",
      .auth = EIN_AUTH_USER,
      .scope = "agents:write",
      .status = 204,
      .handle = agents_secret_delete },
    { .method = "POST",
      .path = "/agents/run-code",
      .operation_id = "run_code",
      .summary = "Run agent code",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_ONCE,
      .query_schema = DETACH_QUERY_SCHEMA,
      .body_schema = RUN_CODE_SCHEMA,
      .reply_schema = RUN_RESULT_SCHEMA,
      .scope = "agents:run",
      .status = 200,
      .handle = agents_run_code },
    { .method = "POST",
      .path = "/agents/run-code/stream",
      .operation_id = "run_code_stream",
      .summary = "Run agent code and follow its trace",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .query_schema = DETACH_QUERY_SCHEMA,
      .body_schema = RUN_CODE_SCHEMA,
      .reply_type = "text/event-stream",
      .scope = "agents:run",
      .status = 200,
      .handle = agents_run_code_stream },
    { .method = "POST",
      .path = "/runs/{run_id}/repeat",
      .operation_id = "repeat_run",
      .summary = "Run once more what a run has run; Accept: text/event-stream to follow its trace",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .query_schema = DETACH_QUERY_SCHEMA,
      .reply_schema = RUN_RESULT_SCHEMA,
      .scope = "agents:run",
      .status = 200,
      .handle = agents_repeat },
};

/* A version is kept by who saved it. */
static const char *const kept[] = { AGENT_SET, OWNER_INDEX, VERSION_SET, "createdBy", NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct agents *agents = calloc(1, sizeof(*agents));

    if (!agents)
        return error_no_memory(err);
    agents->host = host;
    agents->ctx = ctx;
    agents->code_max = (size_t)integer_of(config, "code_max_bytes");
    agents->name_max = (size_t)integer_of(config, "name_max_bytes");
    agents->text_max = (size_t)integer_of(config, "text_max_bytes");
    agents->secrets_max = (size_t)integer_of(config, "secrets_max");
    agents->secret_max = (size_t)integer_of(config, "secret_max_bytes");
    agents->versions_max = integer_of(config, "versions_max");
    int r = EIN_ADD_ROUTES(host, ctx, routes, agents, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, agents, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "agents", &agents_erasure, agents, err);
    return init_done(r, agents, free, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct agents *agents = self;
    const struct ein_store *store = agents->host->store;
    int r = store->index(agents->ctx, AGENT_SET, "userId", err);

    if (r >= 0)
        r = store->index(agents->ctx, AGENT_SET, OWNER_INDEX, err);
    if (r >= 0)
        r = store->index(agents->ctx, VERSION_SET, "agentId", err);
    if (r >= 0)
        r = store->index(agents->ctx, VERSION_SET, "createdBy", err);
    if (r >= 0)
        r = store->index(agents->ctx, SECRET_SET, SECRETS_INDEX, err);
    return r < 0 ? r : store->index(agents->ctx, DEPLOYMENT_SET, "agentId", err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "agents",
    .version = "0.1.0",
    .summary = "What users write and try out",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
