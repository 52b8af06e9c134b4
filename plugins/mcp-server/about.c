/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself: initialize, and server/discover. */
#include "mcp_server.h"

#include "cleanup.h"
#include "rpc.h"

#include <string.h>

json_t *about_server(const struct mcp_server *server)
{
    return json_pack("{s:s, s:s, s:s}", "name", "einion", "title", "einion", "version",
                     server->host->version);
}

static json_t *capabilities(void)
{
    return json_pack("{s:{s:b}}", "tools", "listChanged", 1);
}

static void give(struct turn *turn, json_t *take_about)
{
    EIN_JSON json_t *about = take_about;
    const char *text = turn->server->instructions;

    if (about && *text && json_object_set_new(about, "instructions", json_string(text)) < 0)
        turn_result(turn, NULL);
    else
        turn_result(turn, EIN_TAKE(about));
}

void about_initialize(struct turn *turn)
{
    const struct ein_http *http = turn->server->host->http;
    const char *wanted = json_string_value(json_object_get(turn->params, "protocolVersion"));
    EIN_JSON json_t *about = json_pack(
        "{s:s, s:o, s:o}", "protocolVersion", mcp_is_legacy(wanted) ? wanted : MCP_LEGACY_LATEST,
        "capabilities", capabilities(), "serverInfo", about_server(turn->server));
    char session[SESSION_SIZE];

    if (!wanted) {
        turn_fail(turn, MCP_INVALID_PARAMS, "initialize needs a protocolVersion.");
        return;
    }
    session_make(http->identity(turn->req)->uid, session);
    if (http->set_header(turn->req, "Mcp-Session-Id", session) < 0)
        turn_result(turn, NULL);
    else
        give(turn, EIN_TAKE(about));
}

void about_discover(struct turn *turn)
{
    give(turn,
         json_pack("{s:[s], s:o, s:i, s:s}", "supportedVersions", MCP_MODERN, "capabilities",
                   capabilities(), "ttlMs", (int)turn->server->ttl_ms, "cacheScope", "private"));
}
