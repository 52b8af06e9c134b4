/* SPDX-License-Identifier: Apache-2.0 */
/* mcp-server: deployed agents as tools of the Model Context Protocol.
 *
 *   POST   /mcp   messages: tools/list, tools/call, ...
 *   GET    /mcp   an event stream that tells when the list of tools has changed
 *   DELETE /mcp   ends a session
 *   GET    /.well-known/oauth-protected-resource and .../mcp   where clients log in
 *
 * Speaks 2026-07-28, without sessions, and streamable HTTP of 2024-11-05 to 2025-11-25 with them,
 * at the same address.  Clients come with an API key of scope deployments:run, or as any
 * auth_provider/1 lets them in.  What whoever comes may run is what they have as tools: the name
 * under which it is deployed, its description, its declared input and output.
 *
 * A call is a run of kind "mcp".  With a progress token its trace is told as it happens, one step
 * for each event.  It is cancelled by notifications/cancelled, in 2026-07-28 by leaving.  An agent
 * that fails, or cannot be run, is an error of the tool.
 *
 * Who has more than whole_tools agents is listed two tools instead: search_agents, which finds
 * those that fit some words, and run_agent, which runs one of them.  /mcp?tools=all lists them all
 * nevertheless, in pages, /mcp?tools=search the two always.
 *
 * Needs storage_backend/1.  Publishes error_shape/1: errors of /mcp are JSON-RPC's.
 *
 * Settings
 *   body_bytes              of a message (4194304)
 *   json_depth              nesting of its JSON (64)
 *   json_values             in it (1000000)
 *   batch                   messages in one array, as 2025-03-26 has them (50)
 *   whole_tools             the most agents that are listed as tools each (50)
 *   page_tools              in one page of a list (100)
 *   found_tools             that a search names (10)
 *   short_bytes             of each one's description there (160)
 *   names_bytes             of agents' names in the description of search_agents (2000)
 *   ttl_ms                  how long a client may keep a list (5000)
 *   watch_ms                how often is looked whether it has changed (2000)
 *   listen_ms               how long a client may listen, then it asks again (1200000)
 *   listeners               clients that listen at once (200)
 *   instructions            what clients are told of this server
 *   authorization_servers   issuers that clients without a token are sent to, besides those whose
 *                           access tokens an auth_provider/1 says that it takes (auth-oidc with an
 *                           audience)
 *   oauth_scopes            which these clients should ask for
 *
 * Example
 *   plugins:
 *     mcp-server:
 *       whole_tools: 20
 *       instructions: Agents of the finance department.
 */
#include "draining.h"
#include "init.h"
#include "mcp_server.h"
#include "member.h"
#include "schemas.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEP_MS = 500 };

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "body_bytes": {
            "type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 4194304,
            "description": "The longest message of a client."
        },
        "json_depth": {
            "type": "integer", "minimum": 8, "maximum": 256, "default": 64,
            "description": "How deep its JSON may be nested."
        },
        "json_values": {
            "type": "integer", "minimum": 100, "maximum": 1000000000, "default": 1000000,
            "description": "Values in it: up to 250 bytes of memory each."
        },
        "batch": {
            "type": "integer", "minimum": 1, "maximum": 10000, "default": 50,
            "description": "Messages in one array."
        },
        "whole_tools": {
            "type": "integer", "minimum": 0, "maximum": 1000, "default": 50,
            "description": "Who has more agents is listed a tool to search them instead."
        },
        "page_tools": {
            "type": "integer", "minimum": 1, "maximum": 1000, "default": 100,
            "description": "Tools in one page of a list."
        },
        "found_tools": {
            "type": "integer", "minimum": 1, "maximum": 1000, "default": 10,
            "description": "The most agents that a search names."
        },
        "short_bytes": {
            "type": "integer", "minimum": 1, "maximum": 100000, "default": 160,
            "description": "Of each one's description there."
        },
        "names_bytes": {
            "type": "integer", "minimum": 0, "maximum": 1000000, "default": 2000,
            "description": "Of agents' names in the description of search_agents."
        },
        "ttl_ms": {
            "type": "integer", "minimum": 0, "maximum": 86400000, "default": 5000,
            "description": "How long a client may keep a list."
        },
        "watch_ms": {
            "type": "integer", "minimum": 10, "maximum": 3600000, "default": 2000,
            "description": "How often is looked whether the list has changed, for clients that listen."
        },
        "listen_ms": {
            "type": "integer", "minimum": 10, "maximum": 86400000, "default": 1200000,
            "description": "How long a client may listen; then it asks again."
        },
        "listeners": {
            "type": "integer", "minimum": 0, "maximum": 100000, "default": 200,
            "description": "Clients that listen at once."
        },
        "instructions": {
            "type": "string", "maxLength": 10000, "default": "",
            "description": "What clients are told of this server."
        },
        "authorization_servers": {
            "type": "array", "items": {"type": "string"}, "default": [],
            "description": "Issuers that clients without a token are sent to, besides those whose access tokens a login of this server takes."
        },
        "oauth_scopes": {
            "type": "array", "items": {"type": "string"}, "default": [],
            "description": "The scopes that these clients should ask for."
        }
    }
});

#define MESSAGE SCHEMA({                                                                           \
    "type": "object", "required": ["jsonrpc"], "additionalProperties": true,                       \
    "description": "A message of JSON-RPC 2.0",                                                    \
    "properties": {                                                                                \
        "jsonrpc": {"type": "string", "enum": ["2.0"]},                                            \
        "method": {"type": "string"},                                                              \
        "params": {"type": "object", "additionalProperties": true}                                 \
    }                                                                                              \
})
#define MESSAGE_SCHEMA "{\"anyOf\":[" MESSAGE ",{\"type\":\"array\",\"items\":{}}]}"
#define ERROR_SCHEMA SCHEMA({                                                                      \
    "type": "object", "required": ["jsonrpc", "error"], "additionalProperties": true,              \
    "properties": {                                                                                \
        "jsonrpc": {"type": "string", "enum": ["2.0"]},                                            \
        "error": {                                                                                 \
            "type": "object", "required": ["code", "message"], "additionalProperties": true,       \
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}}             \
        }                                                                                          \
    }                                                                                              \
})
#define POST_QUERY_SCHEMA SCHEMA({                                                                 \
    "type": "object",                                                                              \
    "properties": {                                                                                \
        "tools": {"type": "string", "enum": ["all", "search"],                                     \
                  "description": "Lists all agents, or the tool to search them, however many"}     \
    }                                                                                              \
})
/* clang-format on */

/* Messages are read by the handler: their faults are told as the protocol tells them. */
static const struct ein_route routes[] = {
    { .method = "POST",
      .path = MCP_PATH,
      .operation_id = "mcp_message",
      .summary = "Deployed agents as tools of the Model Context Protocol",
      .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS,
      .auth = EIN_AUTH_USER,
      .query_schema = POST_QUERY_SCHEMA,
      .body_schema = MESSAGE_SCHEMA,
      .reply_type = "application/json, text/event-stream",
      .scope = RUN_SCOPE,
      .error_schema = ERROR_SCHEMA,
      .handle = mcp_post },
    { .method = "GET",
      .path = MCP_PATH,
      .operation_id = "mcp_listen",
      .summary = "When the list of these tools has changed",
      .flags = EIN_ROUTE_EVENTS,
      .auth = EIN_AUTH_USER,
      .reply_type = "text/event-stream",
      .scope = RUN_SCOPE,
      .error_schema = ERROR_SCHEMA,
      .handle = mcp_get },
    { .method = "DELETE",
      .path = MCP_PATH,
      .operation_id = "mcp_end_session",
      .summary = "End a session, and what runs in it",
      .auth = EIN_AUTH_USER,
      .scope = RUN_SCOPE,
      .status = 204,
      .error_schema = ERROR_SCHEMA,
      .handle = mcp_delete },
    { .method = "GET",
      .path = "/.well-known/oauth-protected-resource",
      .operation_id = "get_protected_resource",
      .summary = "Where clients of /mcp log in",
      .auth = EIN_AUTH_NONE,
      .reply_schema = SCHEMA_ANY_OBJECT,
      .handle = mcp_metadata },
    { .method = "GET",
      .path = "/.well-known/oauth-protected-resource" MCP_PATH,
      .operation_id = "get_protected_resource_mcp",
      .summary = "Where clients of /mcp log in",
      .auth = EIN_AUTH_NONE,
      .reply_schema = SCHEMA_ANY_OBJECT,
      .handle = mcp_metadata },
};

static const struct ein_error_shape shape = { .struct_size = sizeof(shape),
                                              .path = MCP_PATH,
                                              .shape = mcp_shape_error };

static void read_settings(struct mcp_server *server, const json_t *config)
{
    const struct {
        const char *name;
        uint32_t *into;
    } numbers[] = {
        { "json_depth", &server->json_depth },   { "batch", &server->batch_max },
        { "json_values", &server->json_values }, { "whole_tools", &server->whole_max },
        { "page_tools", &server->page_max },     { "found_tools", &server->found_max },
        { "short_bytes", &server->short_bytes }, { "names_bytes", &server->names_bytes },
        { "ttl_ms", &server->ttl_ms },           { "watch_ms", &server->watch_ms },
        { "listen_ms", &server->listen_ms },     { "listeners", &server->listeners_max },
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        *numbers[i].into = setting_of(config, numbers[i].name);
    server->instructions = json_string_value(json_object_get(config, "instructions"));
    server->authorization_servers = json_object_get(config, "authorization_servers");
    server->oauth_scopes = json_object_get(config, "oauth_scopes");
}

static int add_routes(struct mcp_server *server, const json_t *config, struct ein_error *err)
{
    size_t count = sizeof(routes) / sizeof(routes[0]);

    server->routes = malloc(sizeof(routes));
    if (!server->routes)
        return error_no_memory(err);
    memcpy(server->routes, routes, sizeof(routes));
    server->routes[0].body_max = setting_of(config, "body_bytes");
    return server->host->http->add_routes(server->ctx, server->routes, count,
                                          sizeof(*server->routes), server, err);
}

static void fini(void *self)
{
    struct mcp_server *server = self;

    running_done(&server->running);
    sessions_done(&server->sessions);
    free(server->routes);
    free(server);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct mcp_server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return error_no_memory(err);
    server->host = host;
    server->ctx = ctx;
    sessions_init(&server->sessions);
    running_init(&server->running, host);
    atomic_init(&server->listening, 0);
    read_settings(server, config);
    r = add_routes(server, config, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERROR_SHAPE, "mcp", &shape, server, err);
    return init_done(r, server, fini, ret_self);
}

/* Calls of 2025 do not end with their clients, but they do with the server. */
static void sweep(void *self)
{
    struct mcp_server *server = self;

    if (running_any(&server->running) && server_is_draining(server->host, server->ctx))
        running_sweep(&server->running);
}

static int start(void *self, struct ein_error *err)
{
    struct mcp_server *server = self;
    int r = server->host->every(server->ctx, SWEEP_MS, sweep, server);

    return r < 0 ? error_set(err, r, "the sweep of calls cannot be started") : 0;
}

static void stop(void *self)
{
    struct mcp_server *server = self;

    running_stop(&server->running);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "mcp-server",
    .version = "0.1.0",
    .summary = "Deployed agents as MCP tools",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .stop = stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
