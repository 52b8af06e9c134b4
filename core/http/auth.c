/* SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"
#include "error.h"
#include "http_inside.h"
#include "local.h"
#include "member.h"
#include "request.h"
#include "scopes.h"
#include "services.h"
#include "status.h"
#include "stay.h"
#include "str.h"
#include "wrong_logins.h"
#include <einion/services.h>
#include <string.h>

static const char not_logged_in[] = "Not authenticated. Session cookie missing or invalid.";

bool auth_is_login(const struct ein_auth_provider *provider)
{
    return !EIN_HAS(struct ein_auth_provider, provider, no_login);
}

/* ---- identities from claims ---- */

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
    if (!identity || !text_of(claims, "uid"))
        return identity ? EIN_E_INTERNAL : EIN_E_NO_MEMORY;
    *identity = (struct ein_identity){
        .struct_size = sizeof(*identity),
        .flags = json_is_true(json_object_get(claims, "admin")) ? EIN_IDENTITY_ADMIN : 0,
        .uid = text_of(claims, "uid"),
        .email = text_of(claims, "email"),
        .name = text_of(claims, "name"),
        .provider = text_of(claims, "provider"),
        .proof = text_of(claims, "proof"),
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
    asking->anybody |= auth_is_login(provider);
    error_clear(&asking->why);
    r = provider->verify(service->impl, asking->req, &claims, &asking->why);
    if (r == EIN_AUTH_DEFER)
        return 0;
    if (r > 0)
        r = error_set(&asking->why, EIN_E_INTERNAL,
                      "The login '%s' answers with %d: that is nothing", service->name, r);
    if (r == 0)
        r = make_identity(asking->req, claims, service->name);
    if (r < 0 && !asking->why.text[0])
        (void)error_set(&asking->why, r, "%s", error_text(r));
    return r < 0 ? error_due(&asking->why, r) : 1;
}

static bool is_optional(const struct ein_req *req)
{
    return req->route->spec.auth == EIN_AUTH_OPTIONAL || req->route->spec.auth == EIN_AUTH_ADMIN;
}

/* ---- wrong ones ---- */

/* Guesses are counted.  What was right once and is not any more, or is right elsewhere, is no
 * guess. */
static bool is_guess(const struct ein_req *req)
{
    static const char *const late[] = {
        "session_expired", "token_expired",      "key_expired", "key_revoked",
        "account_refused", "insufficient_scope", NULL
    };
    const char *challenge = reply_header(req, "WWW-Authenticate");

    for (const char *const *reason = late; challenge && *reason; reason++)
        if (strstr(challenge, *reason))
            return false;
    return true;
}

static bool fail_too_many(struct ein_req *req, uint32_t left_ms)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof(seconds), "%u", left_ms / 1000 + 1);
    (void)reply_set_header(req, "Retry-After", seconds);
    return reply_refuse(req, 429, "Too many wrong logins from your address; wait a minute.");
}

/* Counts a wrong login.  False: there were too many, and the reply is made. */
static bool count_wrong(struct ein_req *req)
{
    const struct settings *settings = req->settings;
    struct wrong_logins *wrong = req->http->wrong_logins;
    uint32_t left_ms, count = wrong_logins_add(wrong, request_client_addr(req), &left_ms);

    req->wrong_login = true;
    if (count > settings->wrong_per_minute)
        return fail_too_many(req, left_ms);
    if (count > settings->wrong_per_minute / 2)
        wrong_logins_wait(wrong, settings->wrong_delay_ms);
    return true;
}

enum { CHALLENGE_MAX = 256 };

/* RFC 6750, 3: what is wrong with the credential, for machines. */
static void challenge(struct ein_req *req, const char *name, const char *value, const char *error)
{
    char text[CHALLENGE_MAX];

    (void)snprintf(text, sizeof(text), "Bearer realm=\"einion\"%s%s%s, %s=\"%s\"",
                   error ? ", error=\"" : "", error ? error : "", error ? "\"" : "", name, value);
    (void)reply_set_header(req, "WWW-Authenticate", text);
}

/* ---- who ---- */

/* A provider has said no.  False: the reply is made. */
static bool refused(struct ein_req *req, const struct ein_error *why)
{
    if (is_guess(req) && !count_wrong(req))
        return false;
    if (is_optional(req))
        return true;
    return reply_refuse(req, 401, "%s", why->text);
}

static bool nobody(struct ein_req *req)
{
    if (is_optional(req))
        return true;
    if (str_bearer(request_header(req, "Authorization")))
        challenge(req, "reason", "token_unknown", "invalid_token");
    return reply_refuse(req, 401, "%s", not_logged_in);
}

/* Not as nobody either: they would wonder. */
static bool check_blocked(struct ein_req *req)
{
    struct ein_error why;

    if (stay_check_blocked(req->http, req->identity->uid, &why) == 0)
        return true;
    challenge(req, "reason", "account_blocked", NULL);
    return reply_refuse(req, 403, "%s", why.text);
}

bool auth_authenticate(struct ein_req *req)
{
    struct asking asking = { .req = req };
    int r;

    if (req->route->spec.auth == EIN_AUTH_NONE)
        return true;
    r = services_each(req->http->services, EIN_AUTH_PROVIDER, ask, &asking);
    if (r > 0)
        return check_blocked(req);
    if (r == EIN_E_DENIED)
        return refused(req, &asking.why);
    if (r < 0)
        return reply_refuse(req, error_status(r), "%s", asking.why.text);
    if (!asking.anybody && req->settings->no_login)
        return local_let_in(req);
    return nobody(req);
}

/* ---- may they ---- */

/* Who nobody knows is not limited by scopes: the route's auth lets them in, or not. */
static bool has_scope(const struct ein_identity *identity, const char *scope)
{
    return !identity || !scope || scope_is_held(identity, scope);
}

static bool is_site_admin(const struct ein_identity *identity)
{
    return identity && identity->flags & EIN_IDENTITY_ADMIN && has_scope(identity, "admin");
}

/* A password can be guessed: from an address that has been wrong too often the right one is
 * refused as well. */
static bool check_password(struct ein_req *req, const char *given)
{
    uint32_t left_ms,
        count = wrong_logins_count(req->http->wrong_logins, request_client_addr(req), &left_ms);

    if (given && count >= req->settings->wrong_per_minute) {
        req->wrong_login = true;
        return fail_too_many(req, left_ms);
    }
    if (given && str_eq_secret(given, req->settings->admin_password))
        return true;
    challenge(req, "reason", given ? "wrong_password" : "missing_credentials", NULL);
    if (given && !count_wrong(req))
        return false;
    return reply_refuse(req, 401, "Invalid admin password");
}

static bool authorize_admin(struct ein_req *req)
{
    if (is_site_admin(req->identity))
        return true;
    if (!req->settings->admin_password)
        return reply_refuse(req, 403,
                            "Admin panel is disabled, and auth.site_admins does not name you");
    return check_password(req, request_header(req, "X-Admin-Password"));
}

bool auth_authorize(struct ein_req *req)
{
    if (req->route->spec.auth == EIN_AUTH_ADMIN && !authorize_admin(req))
        return false;
    if (!has_scope(req->identity, req->route->spec.scope)) {
        challenge(req, "scope", req->route->spec.scope, "insufficient_scope");
        return reply_refuse(req, 403, "This credential lacks the scope '%s'.",
                            req->route->spec.scope);
    }
    return true;
}
