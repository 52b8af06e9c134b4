/* SPDX-License-Identifier: Apache-2.0 */
/* mcp: the tools of servers that speak the Model Context Protocol over HTTP.
 *
 *   POST /mcp/tools   the tools of a server, with their schemas
 *
 * Publishes mcp_client/1, for agents.  Speaks 2026-07-28, streamable HTTP of 2025-03-26 to
 * 2025-11-25, and HTTP+SSE of 2024-11-05: a server is asked in that order, and what it speaks is
 * remembered.  Sessions are kept between the calls of one user with one token.  What URLs may be
 * called is the server's `egress`.
 *
 * Settings
 *   connect_ms         to connect (5000)
 *   total_ms           for a call, where the caller does not say (60000)
 *   total_max_ms       for a call, whatever the caller says (3600000)
 *   notice_ms          to tell a server that a call or a session is over (5000)
 *   reply_bytes        of one answer, and of all pages of a list of tools together (10485760)
 *   values             in that, as JSON (500000)
 *   kept_bytes         of memory for all lists of tools that are remembered (67108864)
 *   pages              of one list of tools (100)
 *   tools              in it (5000)
 *   resumes            of one answer whose stream ends too early (10)
 *   retry_max_ms       the longest pause before that, whatever the server asks for (30000)
 *   max_redirects      how many are followed (3)
 *   sessions           servers, and sessions with them, that are remembered (1000)
 *   session_idle_ms    after which a session is ended (600000)
 *   verdict_ms         how long is remembered what a server speaks (3600000)
 *
 * Example
 *   plugins:
 *     mcp:
 *       reply_bytes: 1048576
 */
#include "exchange.h"
#include "init.h"
#include "mcp.h"
#include "member.h"
#include "schemas.h"

enum { SWEEP_MS = 10000 };

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "connect_ms": {
            "type": "integer", "minimum": 1, "maximum": 600000, "default": 5000,
            "description": "To connect to a server."
        },
        "total_ms": {
            "type": "integer", "minimum": 1, "maximum": 86400000, "default": 60000,
            "description": "For a call, where the caller does not say."
        },
        "total_max_ms": {
            "type": "integer", "minimum": 1, "maximum": 86400000, "default": 3600000,
            "description": "For a call, whatever the caller says."
        },
        "notice_ms": {
            "type": "integer", "minimum": 1, "maximum": 600000, "default": 5000,
            "description": "To tell a server that a call or a session is over."
        },
        "reply_bytes": {
            "type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 10485760,
            "description": "The longest answer of a server, and all pages of a list of tools together."
        },
        "values": {
            "type": "integer", "minimum": 100, "maximum": 100000000, "default": 500000,
            "description": "Values in that, as JSON: up to 250 bytes of memory each."
        },
        "kept_bytes": {
            "type": "integer", "minimum": 0, "maximum": 1099511627776, "default": 67108864,
            "description": "What all lists of tools that are remembered may take of memory, about; the oldest make room."
        },
        "pages": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 100,
            "description": "Pages of one list of tools."
        },
        "tools": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 5000,
            "description": "Tools in one list."
        },
        "resumes": {
            "type": "integer", "minimum": 0, "maximum": 10000, "default": 10,
            "description": "How often an answer is asked for again whose stream ends too early."
        },
        "retry_max_ms": {
            "type": "integer", "minimum": 1, "maximum": 600000, "default": 30000,
            "description": "The longest pause before that, whatever the server asks for."
        },
        "max_redirects": {
            "type": "integer", "minimum": 0, "maximum": 10, "default": 3,
            "description": "How many are followed."
        },
        "sessions": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 1000,
            "description": "Servers, and sessions with them, that are remembered."
        },
        "session_idle_ms": {
            "type": "integer", "minimum": 1, "maximum": 86400000, "default": 600000,
            "description": "After so long without a call a session is ended."
        },
        "verdict_ms": {
            "type": "integer", "minimum": 0, "maximum": 86400000, "default": 3600000,
            "description": "How long is remembered what a server speaks."
        }
    }
});

#define TOOLS_BODY SCHEMA({                                                                        \
    "type": "object", "required": ["mcp_url"],                                                     \
    "properties": {                                                                                \
        "mcp_url": {"type": "string", "maxLength": 8192, "description": "Where the server is"},    \
        "auth_token": {"type": ["string", "null"], "maxLength": 16384,                             \
                       "description": "Sent to it as a bearer token"}                              \
    }                                                                                              \
})
#define TOOLS_REPLY SCHEMA({                                                                       \
    "type": "object", "required": ["mcp_url", "tools"],                                            \
    "properties": {                                                                                \
        "mcp_url": {"type": "string"},                                                             \
        "tools": {"type": "array", "items": {                                                      \
            "type": "object", "required": ["name", "description"], "additionalProperties": true,   \
            "properties": {                                                                        \
                "name": {"type": "string"},                                                        \
                "description": {"type": "string"},                                                 \
                "inputSchema": {"type": "object", "additionalProperties": true}                    \
            }}}                                                                                    \
    }                                                                                              \
})
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/mcp/tools",
      .operation_id = "list_mcp_tools",
      .summary = "The tools of an MCP server",
      .auth = EIN_AUTH_USER,
      .body_schema = TOOLS_BODY,
      .reply_schema = TOOLS_REPLY,
      .scope = "agents:write",
      .handle = mcp_tools_post },
};

static const struct ein_mcp_client client = { .struct_size = sizeof(client),
                                              .list_tools = mcp_list_tools,
                                              .call_tool = mcp_call_tool };

static void read_settings(struct mcp *mcp, const json_t *config)
{
    mcp->connect_ms = setting_of(config, "connect_ms");
    mcp->total_ms = setting_of(config, "total_ms");
    mcp->total_max_ms = setting_of(config, "total_max_ms");
    mcp->notice_ms = setting_of(config, "notice_ms");
    mcp->reply_max = setting_of(config, "reply_bytes");
    mcp->values_max = setting_of(config, "values");
    mcp->pages_max = setting_of(config, "pages");
    mcp->tools_max = setting_of(config, "tools");
    mcp->resumes_max = setting_of(config, "resumes");
    mcp->retry_max_ms = setting_of(config, "retry_max_ms");
    mcp->redirects_max = setting_of(config, "max_redirects");
    mcp->idle_ms = setting_of(config, "session_idle_ms");
    mcp->verdict_ms = setting_of(config, "verdict_ms");
}

static void fini(void *self)
{
    struct mcp *mcp = self;

    peers_done(&mcp->peers);
    notices_done(&mcp->notices);
    free(mcp);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct mcp *mcp = calloc(1, sizeof(*mcp));
    int r;

    if (!mcp)
        return error_no_memory(err);
    mcp->host = host;
    mcp->ctx = ctx;
    atomic_init(&mcp->next_id, 1);
    read_settings(mcp, config);
    notices_init(&mcp->notices);
    r = peers_init(&mcp->peers, setting_of(config, "sessions"),
                   (size_t)integer_of(config, "kept_bytes"));
    if (r < 0)
        (void)error_set(err, r, "no random bytes");
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, mcp, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_MCP_CLIENT, NULL, &client, mcp, err);
    return init_done(r, mcp, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    struct mcp *mcp = self;
    uint32_t period_ms = mcp->idle_ms < SWEEP_MS ? mcp->idle_ms : SWEEP_MS;
    int r = mcp->host->every(mcp->ctx, period_ms, mcp_sweep, mcp);

    return r < 0 ? error_set(err, r, "the sweep of sessions cannot be started") : 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "mcp",
    .version = "0.1.0",
    .summary = "Tools of MCP servers",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
