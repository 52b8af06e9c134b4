/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in: OAuth protected resource metadata (RFC 9728), and the errors that lead there. */
#include "mcp_server.h"

#include "cleanup.h"
#include "rpc.h"

#include <stdio.h>
#include <string.h>

enum { CHALLENGE_MAX = 1024 };

int mcp_metadata(struct ein_req *req, void *self)
{
    const struct mcp_server *server = self;
    const struct ein_http *http = server->host->http;
    const char *origin = http->origin(req);
    EIN_JSON json_t *metadata = NULL;

    if (!origin)
        return http->fail(req, 400, "The Host header does not say what this server is called.");
    metadata = json_pack("{s:o, s:s, s:[s]}", "resource", json_sprintf("%s" MCP_PATH, origin),
                         "resource_name", "einion", "bearer_methods_supported", "header");
    if (!metadata ||
        (json_array_size(server->authorization_servers) > 0 &&
         json_object_set(metadata, "authorization_servers",
                         (json_t *)server->authorization_servers) < 0) ||
        (json_array_size(server->oauth_scopes) > 0 &&
         json_object_set(metadata, "scopes_supported", (json_t *)server->oauth_scopes) < 0))
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200, EIN_TAKE(metadata));
}

/* What a client is to do about it (RFC 6750, 3; RFC 9728, 5.1), behind what was said so far. */
static void challenge(const struct mcp_server *server, struct ein_req *req, int status)
{
    const struct ein_http *http = server->host->http;
    const char *origin = http->origin(req);
    const char *said = http->reply_header(req, "WWW-Authenticate");
    char text[CHALLENGE_MAX];
    int len;

    if (!said)
        said = status == 403 ? "Bearer realm=\"einion\", error=\"insufficient_scope\", "
                               "scope=\"" RUN_SCOPE "\""
                             : "Bearer realm=\"einion\"";
    len = snprintf(text, sizeof(text),
                   "%s, resource_metadata=\"%s/.well-known/oauth-protected-resource" MCP_PATH "\"",
                   said, origin ? origin : "");
    if (origin && len < (int)sizeof(text))
        (void)http->set_header(req, "WWW-Authenticate", text); /* the status says it as well */
}

static const char *text_of(const json_t *detail)
{
    const char *text = json_string_value(detail);

    return text ? text : "The request is not what it should be.";
}

json_t *mcp_shape_error(void *impl, struct ein_req *req, int *status, const json_t *detail)
{
    const struct mcp_server *server = impl;
    const char *path = server->host->http->path(req);

    if (strcmp(path, MCP_PATH) != 0)
        return NULL; /* /mcp/tools is somebody else's */
    if (*status == 401 || *status == 403)
        challenge(server, req, *status);
    return rpc_error(NULL, *status == 404 ? MCP_NO_SESSION : MCP_REFUSED, text_of(detail), NULL);
}
