/* SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"
#include "error.h"
#include "pipeline_inside.h"
#include "request.h"
#include "services.h"
#include "str.h"
#include <arpa/inet.h>
#include <einion/services.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 256 };

static const char not_logged_in[] = "Not authenticated. Session cookie missing or invalid.";

static const struct ein_identity local_user = {
    .struct_size = sizeof(struct ein_identity),
    .uid = "local-dev-user",
    .provider = "local",
    .proof = "loopback",
};

/* ---- where nobody logs in ---- */

static bool is_loopback_name(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (strlen(host) > 10 && strcasecmp(host + strlen(host) - 10, ".localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool auth_is_local_host(const char *host, const char *const *allowed)
{
    char name[HOST_MAX];
    const char *port;
    size_t len;

    if (!host || strlen(host) >= sizeof(name))
        return false;
    if (*host == '[') {
        len = strcspn(host, "]");
        if (host[len] != ']')
            return false;
        port = host + len + 1;
        memcpy(name, host + 1, len - 1);
        name[len - 1] = '\0';
    } else {
        len = strcspn(host, ":");
        port = host + len;
        memcpy(name, host, len);
        name[len] = '\0';
    }
    if (*port != '\0' && (*port != ':' || port[1 + strspn(port + 1, "0123456789")] != '\0'))
        return false;
    if (is_loopback_name(name))
        return true;
    for (; *allowed; allowed++)
        if (strlen(*allowed) == (size_t)(port - host) &&
            strncasecmp(*allowed, host, (size_t)(port - host)) == 0)
            return true;
    return false;
}

static bool let_local_user_in(struct ein_req *req)
{
    if (!auth_is_local_host(req->known[HEADER_HOST], req->settings->hosts)) {
        (void)reply_fail(req, 403,
                         "This server has no login and answers only as localhost; the request was "
                         "for another name (see http.origins in the configuration).");
        return false;
    }
    req->identity = &local_user;
    return true;
}

/* ---- identities from claims ---- */

static const char *text_claim(const json_t *claims, const char *name)
{
    return json_string_value(json_object_get(claims, name));
}

/* NULL: absent, or out of memory, which *ret_ok tells apart. */
static const char *const *texts_claim(struct ein_req *req, const json_t *claims, const char *name,
                                      bool *ret_ok)
{
    const json_t *array = json_object_get(claims, name), *item;
    const char **texts;
    size_t i, count = 0;

    if (!json_is_array(array))
        return NULL;
    texts = request_alloc(req, (json_array_size(array) + 1) * sizeof(*texts));
    if (!texts) {
        *ret_ok = false;
        return NULL;
    }
    json_array_foreach(array, i, item)
    {
        if (json_is_string(item))
            texts[count++] = json_string_value(item);
    }
    return texts;
}

static int make_identity(struct ein_req *req, json_t *take_claims, const char *provider)
{
    struct ein_identity *identity = request_alloc(req, sizeof(*identity));
    const json_t *claims = take_claims;
    bool ok = true;

    req->claims = take_claims;
    if (!identity || !text_claim(claims, "uid"))
        return identity ? EIN_E_INTERNAL : EIN_E_NO_MEMORY;
    *identity = (struct ein_identity){
        .struct_size = sizeof(*identity),
        .flags = json_is_true(json_object_get(claims, "admin")) ? EIN_IDENTITY_ADMIN : 0,
        .uid = text_claim(claims, "uid"),
        .email = text_claim(claims, "email"),
        .name = text_claim(claims, "name"),
        .provider = text_claim(claims, "provider"),
        .proof = text_claim(claims, "proof"),
        .roles = texts_claim(req, claims, "roles", &ok),
        .scopes = texts_claim(req, claims, "scopes", &ok),
        .workspaces = json_object_get(claims, "workspaces"),
        .claims = claims,
    };
    if (!identity->provider)
        identity->provider = arena_text(&req->arena, provider, strlen(provider));
    if (!identity->proof)
        identity->proof = "";
    /* Scopes that are there but cannot be read would be no limit at all. */
    if (!ok || (!identity->scopes && json_object_get(claims, "scopes") &&
                !json_is_null(json_object_get(claims, "scopes"))))
        return EIN_E_INTERNAL;
    req->identity = identity;
    return 0;
}

struct asking {
    struct ein_req *req;
    bool anybody; /* there is a provider */
    struct ein_error why;
};

static int ask(const struct ein_service *service, void *data)
{
    const struct ein_auth_provider *provider = service->vtable;
    struct asking *asking = data;
    json_t *claims = NULL;
    int r;

    if (!EIN_HAS(struct ein_auth_provider, provider, verify))
        return 0; /* a login of browsers only */
    asking->anybody = true;
    r = provider->verify(service->impl, asking->req, &claims, &asking->why);
    if (r == EIN_AUTH_DEFER)
        return 0;
    if (r == 0)
        r = make_identity(asking->req, claims, service->name);
    if (r < 0 && asking->why.code == 0)
        (void)error_set(&asking->why, r, "%s", error_text(r));
    return r < 0 ? r : 1;
}

static bool is_optional(const struct ein_req *req)
{
    return req->route->spec.auth == EIN_AUTH_OPTIONAL || req->route->spec.auth == EIN_AUTH_ADMIN;
}

bool auth_authenticate(struct ein_req *req)
{
    struct asking asking = { .req = req };
    int r;

    if (req->route->spec.auth == EIN_AUTH_NONE)
        return true;
    r = services_each(pipeline_services(req->pipeline), EIN_AUTH_PROVIDER, ask, &asking);
    if (r > 0)
        return true;
    if (r < 0 && r != EIN_E_DENIED) {
        (void)reply_fail(req, error_status(r), "%s", asking.why.text);
        return false;
    }
    if (r == 0 && !asking.anybody && req->settings->no_login)
        return let_local_user_in(req);
    if (is_optional(req))
        return true;
    (void)reply_fail(req, 401, "%s", r < 0 ? asking.why.text : not_logged_in);
    return false;
}

/* ---- may they ---- */

static bool authorize_admin(struct ein_req *req)
{
    const char *wanted = req->settings->admin_password, *given;

    if (req->identity && req->identity->flags & EIN_IDENTITY_ADMIN)
        return true;
    if (!wanted) {
        (void)reply_fail(req, 403, "Admin panel is disabled");
        return false;
    }
    given = request_header(req, "X-Admin-Password");
    if (!given || !str_eq_secret(given, wanted)) {
        (void)reply_fail(req, 401, "Invalid admin password");
        return false;
    }
    return true;
}

static bool has_scope(const struct ein_identity *identity, const char *scope)
{
    if (!identity || !identity->scopes || !scope)
        return true;
    for (const char *const *it = identity->scopes; *it; it++)
        if (strcmp(*it, scope) == 0)
            return true;
    return false;
}

bool auth_authorize(struct ein_req *req)
{
    if (req->route->spec.auth == EIN_AUTH_ADMIN && !authorize_admin(req))
        return false;
    if (!has_scope(req->identity, req->route->spec.scope)) {
        (void)reply_fail(req, 403, "This credential lacks the scope '%s'.", req->route->spec.scope);
        return false;
    }
    return true;
}
