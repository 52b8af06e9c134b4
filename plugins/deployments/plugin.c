/* SPDX-License-Identifier: Apache-2.0 */
/* deployments: agents that are called by name.
 *
 *   POST   /agents/{agent_id}/deploy       serves an agent under its friendly name, which it keeps
 *                                          there when it is renamed; a name serves one agent, as it
 *                                          is now, until it is deployed again; ?version=N: as that
 *   DELETE /agents/{agent_id}/undeploy     serves it no more
 *   GET    /agents/{agent_id}/deployment   whether it is deployed, and as what
 *   GET    .../deployment/settings         by which terms it is called
 *   PUT    .../deployment/settings         other ones: how many runs at a time and how many wait,
 *                                          the scope that a key must have, limits of a run
 *   GET    /deployments                    all whose agents the caller may read
 *   POST   /rest/{friendly_name}           runs what was deployed; the body is its input, the
 *                                          answer what it returned; with Accept: text/event-stream
 *                                          its trace as it happens
 *
 * A deployment belongs to whom its agent belongs to: who may read the agent may call it, who may
 * change the agent deploys and undeploys it.
 *
 * Publishes llm_provider/1 "gofannon": a deployed agent is a model of whoever may read it.  Its
 * input is the call's parameters, made into what its inputSchema declares, and inputText, the last
 * message of the user; its answer is outputText of its result, or else all of that as JSON.
 *
 * Publishes openapi_source/1: each agent that the caller can call is an operation of /openapi.json.
 *
 * Needs storage_backend/1.  Asks agent_runtime/1 at the moment of a call.  Publishes keeps/1, and
 * asks disk_quota/1 before a deployment is written.
 *
 * Settings
 *   openapi_operations   the most agents of one caller that /openapi.json shows (1000)
 *
 * Example
 *   plugins:
 *     deployments:
 *       openapi_operations: 100
 */
#include "agent_doc.h"
#include "agent_run.h"
#include "deployments.h"
#include "http_json.h"
#include "init.h"
#include "ownership.h"
#include "settings.h"
#include <einion/services.h>
#include <stdlib.h>

static const char config_schema[] = SCHEMA({
    "type" : "object",
    "properties" : {
        "openapi_operations" : {
            "type" : "integer",
            "minimum" : 0,
            "maximum" : 10000,
            "default" : 1000,
            "description" : "The most agents of one caller that /openapi.json shows."
        }
    }
});

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/agents/{agent_id}/deploy",
      .operation_id = "deploy_agent",
      .summary = "Serve an agent under its friendly name",
      .auth = EIN_AUTH_USER,
      .query_schema = SCHEMA({
          "type" : "object",
          "properties" : {
              "version" : {
                  "type" : "integer",
                  "minimum" : 1,
                  "description" : "Which to serve; without it the newest"
              }
          }
      }),
      .reply_schema = SCHEMA({
          "type" : "object",
          "title" : "Deployed",
          "required" : [ "message", "endpoint" ],
          "properties" :
              { "message" : { "type" : "string" }, "endpoint" : { "type" : "string" } }
      }),
      .scope = "deployments:write",
      .status = 201,
      .handle = deployments_deploy },
    { .method = "DELETE",
      .path = "/agents/{agent_id}/undeploy",
      .operation_id = "undeploy_agent",
      .summary = "Serve an agent no more",
      .auth = EIN_AUTH_USER,
      .scope = "deployments:write",
      .status = 204,
      .handle = deployments_undeploy },
    { .method = "GET",
      .path = "/agents/{agent_id}/deployment",
      .operation_id = "get_agent_deployment",
      .summary = "Whether an agent is deployed, and as what",
      .auth = EIN_AUTH_USER,
      .reply_schema = SCHEMA({
          "type" : "object",
          "title" : "DeploymentStatus",
          "required" : ["is_deployed"],
          "properties" :
              { "is_deployed" : { "type" : "boolean" },
                "friendly_name" : { "type" : "string" } }
      }),
      .scope = "deployments:read",
      .status = 200,
      .handle = deployments_status },
    { .method = "GET",
      .path = "/deployments",
      .operation_id = "list_deployments",
      .summary = "What is deployed and the caller may call, in order of deployment",
      .auth = EIN_AUTH_USER,
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = SCHEMA({
          "type" : "array",
          "items" : {
              "type" : "object",
              "title" : "DeployedApi",
              "required" :
                  [ "friendlyName", "agentId", "description", "inputSchema", "outputSchema" ],
              "properties" : {
                  "friendlyName" : { "type" : "string" },
                  "agentId" : { "type" : "string" },
                  "description" : { "type" : "string" },
                  "inputSchema" : { "type" : [ "object", "null" ], "additionalProperties" : true },
                  "outputSchema" : { "type" : [ "object", "null" ], "additionalProperties" : true }
              }
          }
      }),
      .scope = "deployments:read",
      .status = 200,
      .handle = deployments_list },
    { .method = "GET",
      .path = "/agents/{agent_id}/deployment/settings",
      .operation_id = "get_deployment_settings",
      .summary = "By which terms an agent is called where it is deployed",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = SETTINGS_SCHEMA,
      .scope = "deployments:read",
      .status = 200,
      .handle = deployments_settings_get },
    { .method = "PUT",
      .path = "/agents/{agent_id}/deployment/settings",
      .operation_id = "put_deployment_settings",
      .summary = "Set them all; what is left out is null, which is as the server has it",
      .auth = EIN_AUTH_USER,
      .body_schema = SETTINGS_SCHEMA,
      .reply_schema = SETTINGS_SCHEMA,
      .scope = "deployments:write",
      .status = 200,
      .handle = deployments_settings_put },
    { .method = "POST",
      .path = "/rest/{friendly_name}",
      .operation_id = "call_deployed_agent",
      .summary = "Run a deployed agent; Accept: text/event-stream for its trace as it happens",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE | EIN_ROUTE_ONCE_500,
      .query_schema = DETACH_QUERY_SCHEMA,
      .body_schema = SCHEMA({
          "type" : [ "object", "null" ],
          "description" : "The input of the agent",
          "additionalProperties" : true
      }),
      .reply_schema = SCHEMA({ "description" : "What the agent returned" }),
      .scope = "deployments:run",
      .status = 200,
      .handle = deployments_call },
};

/* Each has a copy of its agent. */
static const char *const kept[] = { DEPLOYMENT_SET, OWNER_INDEX, NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct deployments *deployments = calloc(1, sizeof(*deployments));
    int r;

    if (!deployments)
        return error_no_memory(err);
    deployments->host = host;
    deployments->ctx = ctx;
    deployments->openapi_max =
        (uint32_t)json_integer_value(json_object_get(config, "openapi_operations"));
    r = EIN_ADD_ROUTES(host, ctx, routes, deployments, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_LLM_PROVIDER, "gofannon", &deployments_provider, deployments,
                          err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, deployments, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_OPENAPI_SOURCE, "deployments", &deployments_openapi, deployments,
                          err);
    return init_done(r, deployments, free, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct deployments *deployments = self;
    const struct ein_store *store = deployments->host->store;
    int r = store->index(deployments->ctx, DEPLOYMENT_SET, "agentId", err);

    if (r >= 0)
        r = store->index(deployments->ctx, DEPLOYMENT_SET, "userId", err);
    return r < 0 ? r : store->index(deployments->ctx, DEPLOYMENT_SET, OWNER_INDEX, err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "deployments",
    .version = "0.1.0",
    .summary = "Agents that are called by name",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
