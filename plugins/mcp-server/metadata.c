/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in: OAuth protected resource metadata (RFC 9728), and the errors that lead there. */
#include "mcp_server.h"

#include "bearer.h"
#include "cleanup.h"
#include "member.h"
#include "rpc.h"

#include <stdio.h>
#include <string.h>

enum { CHALLENGE_MAX = 1024 };

static int ask_login(const struct ein_service *service, void *issuers)
{
    const struct ein_auth_provider *provider = service->vtable;
    EIN_JSON json_t *about = NULL;
    struct ein_error unused;
    const char *issuer;

    if (!EIN_HAS(struct ein_auth_provider, provider, describe) ||
        provider->describe(service->impl, &about, &unused) < 0)
        return 0;
    issuer = text_of(about, "tokensOf");
    if (!issuer || list_has(issuers, issuer))
        return 0;
    return json_array_append_new(issuers, json_string(issuer)) < 0 ? EIN_E_NO_MEMORY : 0;
}

/* Those of the settings, and whose access tokens a login takes.  NULL: no memory. */
static json_t *find_issuers(const struct mcp_server *server)
{
    EIN_JSON json_t *issuers = json_copy((json_t *)server->authorization_servers);

    if (server->host->each_service(server->ctx, EIN_AUTH_PROVIDER, ask_login, issuers) < 0)
        return NULL;
    return EIN_TAKE(issuers);
}

int mcp_metadata(struct ein_req *req, void *self)
{
    const struct mcp_server *server = self;
    const struct ein_http *http = server->host->http;
    const char *origin = http->origin(req);
    EIN_JSON json_t *metadata = NULL, *issuers = NULL;

    if (!origin)
        return http->fail(req, 400, "The Host header does not say what this server is called.");
    metadata = json_pack("{s:o, s:s, s:[s]}", "resource", json_sprintf("%s" MCP_PATH, origin),
                         "resource_name", "einion", "bearer_methods_supported", "header");
    issuers = find_issuers(server);
    if (!metadata || !issuers ||
        (json_array_size(issuers) > 0 &&
         json_object_set(metadata, "authorization_servers", issuers) < 0) ||
        (json_array_size(server->oauth_scopes) > 0 &&
         json_object_set(metadata, "scopes_supported", (json_t *)server->oauth_scopes) < 0))
        return EIN_E_NO_MEMORY;
    return http->reply(req, 200, EIN_TAKE(metadata));
}

/* What a client is to do about it (RFC 6750, 3; RFC 9728, 5.1), behind what was said so far. */
static void challenge(const struct mcp_server *server, struct ein_req *req)
{
    const struct ein_http *http = server->host->http;
    const char *origin = http->origin(req);
    const char *said = http->reply_header(req, "WWW-Authenticate");
    char text[CHALLENGE_MAX];
    int len;

    if (!said)
        said = "Bearer realm=\"einion\"";
    len = snprintf(text, sizeof(text),
                   "%s, resource_metadata=\"%s/.well-known/oauth-protected-resource" MCP_PATH "\"",
                   said, origin ? origin : "");
    if (origin && len < (int)sizeof(text))
        (void)http->set_header(req, "WWW-Authenticate", text); /* the status says it as well */
}

json_t *mcp_shape_error(void *impl, struct ein_req *req, int *status, const json_t *detail)
{
    const struct mcp_server *server = impl;
    const struct ein_http *http = server->host->http;
    const char *words = json_string_value(detail);

    if (strcmp(http->path(req), MCP_PATH) != 0)
        return NULL; /* /mcp/tools is somebody else's */
    if (*status == 401 || *status == 403)
        challenge(server, req);
    if (*status == 401 && !bearer_token(http, req) && !bearer_api_key(http, req))
        words = API_KEY_MISSING;
    return rpc_error(NULL, *status == 404 ? MCP_NO_SESSION : MCP_REFUSED,
                     words ? words : "The request is not what it should be.", NULL);
}
