/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_event.h"
#include "auth_session.h"
#include "blocked.h"
#include "claims.h"
#include "cleanup.h"
#include "cookie.h"
#include "error.h"
#include "html.h"
#include "member.h"
#include "percent.h"
#include "provider.h"
#include "return_to.h"
#include "session.h"
#include "state.h"
#include "str.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

/* One step of a login. */
struct step {
    struct auth_session *self;
    const struct ein_http *http;
    struct ein_req *req;
    const char *type;
    const struct ein_service *service; /* the provider of that name */
    char redirect_uri[1024];
    struct login_secrets secrets;
};

static const char *parameter(const struct step *step, const char *name)
{
    return text_of(step->http->query(step->req), name);
}

static int step_begin(struct step *step, struct ein_req *req, void *self)
{
    struct auth_session *session = self;
    const struct ein_http *http = session->host->http;
    const char *origin = http->origin(req);

    *step = (struct step){ .self = session, .http = http, .req = req };
    step->type = http->path_param(req, "type");
    /* Pages and redirects of a login carry what only this browser is to know. */
    (void)http->set_header(req, "Cache-Control", "no-store");
    (void)http->set_header(req, "Referrer-Policy", "no-referrer");
    step->service = provider_acquire(session, step->type);
    if (!step->service)
        return http->fail(req, 404, "Unknown provider: %s", step->type);
    if (!origin || snprintf(step->redirect_uri, sizeof(step->redirect_uri), "%s/auth/callback/%s",
                            origin, step->type) >= (int)sizeof(step->redirect_uri))
        return http->fail(req, 400, "The Host header does not name this server.");
    return 0;
}

static void step_end(struct step *step)
{
    step->self->host->release(step->self->ctx, step->service);
    explicit_bzero(&step->secrets, sizeof(step->secrets));
}

static struct ein_login login_of(const struct step *step)
{
    return (struct ein_login){
        .struct_size = sizeof(struct ein_login),
        .redirect_uri = step->redirect_uri,
        .state = step->secrets.state,
        .nonce = step->secrets.nonce,
        .code_verifier = step->secrets.verifier,
    };
}

/* ---- GET /auth/providers ---- */

int login_providers(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    struct ein_error err;
    json_t *list = NULL;
    int r = provider_list(self, &list, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    return http->reply(
        req, 200,
        json_pack("{s:o, s:b}", "providers", list, "legacyFirebaseEnabled", self->legacy_firebase));
}

/* ---- GET /auth/login/{type} ---- */

/* What a cookie cannot hold as it is is encoded, and a path on its own is not. */
static int keep_return_to(const struct step *step)
{
    const char *return_to = parameter(step, "return_to");
    const char *old = NULL;
    EIN_FREE char *value = NULL;

    if (!return_to_is_good(step->self->frontends, return_to)) {
        if (cookie_read(step->http, step->req, RETURN_TO_COOKIE, &old) != COOKIE_NONE)
            cookie_drop(step->http, step->req, RETURN_TO_COOKIE);
        return 0;
    }
    value = percent_encode(return_to, "/!$&'()*+:=@?#[]");
    if (!value)
        return EIN_E_NO_MEMORY;
    return step->http->set_cookie(step->req, RETURN_TO_COOKIE, value, LOGIN_S,
                                  EIN_COOKIE_HTTP_ONLY);
}

static int send_to_provider(struct step *step)
{
    const struct ein_auth_provider *provider = step->service->vtable;
    struct ein_login login;
    struct ein_error err = { 0 };
    EIN_FREE char *url = NULL;
    int r = state_make(step->self, step->type, &step->secrets);

    if (r < 0)
        return r;
    login = login_of(step);
    r = error_due(&err, provider->login_url(step->service->impl, &login, &url, &err));
    if (r < 0)
        return step->http->fail(step->req, 502, "Provider exchange failed: %s", err.text);
    r = step->http->set_cookie(step->req, STATE_COOKIE, step->secrets.state, LOGIN_S,
                               EIN_COOKIE_HTTP_ONLY);
    if (r >= 0)
        r = keep_return_to(step);
    return r < 0 ? r : step->http->redirect(step->req, 302, url);
}

int login_begin(struct ein_req *req, void *self)
{
    struct step step;
    int r = step_begin(&step, req, self);

    if (r == 0)
        r = send_to_provider(&step);
    step_end(&step);
    return r;
}

/* ---- GET /auth/callback/{type} ---- */

/* NULL: no memory. */
static json_t *event_of(const struct step *step, const char *uid, const char *outcome,
                        const char *why, uint32_t left_out)
{
    json_t *reason = why ? json_stringn(why, (size_t)str_cut(why, REASON_MAX)) : NULL;

    return json_pack("{s:s, s:s*, s:s, s:s, s:{s:s, s:o*, s:o*}}", "action", "login", "actor", uid,
                     "address", step->http->client_addr(step->req), "outcome", outcome, "details",
                     "provider", step->type, "reason", reason, "leftOut",
                     left_out ? json_integer(left_out) : NULL);
}

/* How a login ended: in the metrics, and in the audit.  There it stays for good, and anybody can
 * fail as often as they like. */
static void tell(const struct step *step, const char *uid, const char *outcome, const char *why)
{
    struct auth_session *self = step->self;
    const char *const labels[] = { "provider", step->type, "outcome", outcome, NULL };
    struct ein_error err = { 0 };
    uint32_t left_out = 0;

    self->host->count(self->ctx, "einion_logins_total", 1, labels);
    if (why && !trickle_may_keep(&self->refusals, &left_out))
        return;
    if (audit_event(self->host, self->ctx, event_of(step, uid, outcome, why, left_out), &err) < 0)
        step->http->log_msg(step->req, EIN_WARN, "a login is missing in the audit: %s", err.text);
}

/* "What it is" and a sentence, both text. */
static int show_page(const struct step *step, int status, const char *title, const char *sentence)
{
    EIN_FREE char *safe = sentence ? html_escape(sentence) : NULL;
    EIN_FREE char *body =
        safe ? str_print("<p>%s</p>\n<p><a href=\"/auth/login/%s\">Try again</a></p>", safe,
                         step->type)
             : NULL;

    return body ? html_reply(step->http, step->req, status, title, body) : EIN_E_NO_MEMORY;
}

static bool is_error_code(const char *code)
{
    return strlen(code) <= 40 && code[strspn(code, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

/* What the provider says is shown to the browser that it says it to, not in any link. */
static int show_error(const struct step *step, bool is_ours)
{
    const char *code = parameter(step, "error"), *why = parameter(step, "error_description");
    EIN_FREE char *sentence = NULL;

    if (!is_ours)
        why = NULL;
    if (!is_ours && !is_error_code(code))
        code = "error";
    sentence = str_print("The provider %s says: %.200s%s%.500s", step->type, code, why ? ": " : "",
                         why ? why : "");
    if (is_ours) /* else nobody was on the way, and any link would be an entry of the audit */
        tell(step, NULL, "failed", code);
    return show_page(step, 400, "Login failed", sentence);
}

static int show_denied(const struct step *step, const json_t *claims)
{
    const char *name = text_of(claims, "name");
    EIN_FREE char *sentence =
        str_print("%.200s (%.400s) is neither a member of a workspace nor an administrator of this "
                  "server, and may not log in.",
                  name ? name : text_of(claims, "uid"), text_of(claims, "uid"));

    tell(step, text_of(claims, "uid"), "denied", "no workspace");
    return show_page(step, 403, "Login denied", sentence);
}

/* The provider knows who this is, and that they may not; or they are blocked. */
static int show_refused(const struct step *step, const char *uid, const struct ein_error *why)
{
    tell(step, uid, "denied", why->text);
    return show_page(step, 403, "Login denied", why->text);
}

/* The browser that comes back is the one that was sent, from where it was sent. */
static bool is_our_state(struct step *step)
{
    const char *state = parameter(step, "state"), *cookie = NULL;

    return state && cookie_read(step->http, step->req, STATE_COOKIE, &cookie) == COOKIE_ONE &&
           strlen(state) == strlen(cookie) && !gnutls_memcmp(state, cookie, strlen(state)) &&
           state_check(step->self, step->type, state, &step->secrets);
}

/* Whatever session this browser had, its cookie is another one from now on. */
static void end_previous(const struct step *step)
{
    const char *token = NULL;
    char id[TOKEN_HASH_SIZE];
    struct ein_error unused;

    if (cookie_read(step->http, step->req, SESSION_COOKIE, &token) != COOKIE_ONE)
        return;
    token_hash(token, id);
    (void)session_end(step->self, id, &unused);
}

static int send_back(const struct step *step)
{
    const char *cookie = NULL;
    EIN_FREE char *return_to = NULL, *url = NULL;

    if (cookie_read(step->http, step->req, RETURN_TO_COOKIE, &cookie) == COOKIE_ONE)
        return_to = strdup(cookie);
    if (return_to && percent_decode(return_to, strlen(return_to)) < 0)
        return_to[0] = '\0';
    url = return_to_url(step->self->frontends, return_to);
    return url ? step->http->redirect(step->req, 302, url) : EIN_E_NO_MEMORY;
}

static int let_in(const struct step *step, const json_t *claims, const json_t *said)
{
    struct ein_error err;
    int r;

    end_previous(step);
    r = session_start(step->self, step->req, claims, said, &err);
    if (r < 0)
        return step->http->fail_error(step->req, &err);
    tell(step, text_of(claims, "uid"), "success", NULL);
    return send_back(step);
}

static int exchange(const struct step *step, json_t **ret_said, json_t **ret_claims,
                    struct ein_error *err)
{
    const struct ein_auth_provider *provider = step->service->vtable;
    struct ein_login login = login_of(step);
    int r;

    login.code = parameter(step, "code");
    login.query = step->http->query(step->req);
    r = error_due(err, provider->exchange(step->service->impl, &login, ret_said, err));
    return r < 0 ? r : claims_make(step->self, step->type, *ret_said, ret_claims, err);
}

/* The state was ours: it is used up, whatever comes of it. */
static int finish(const struct step *step)
{
    EIN_JSON json_t *said = NULL, *claims = NULL;
    struct ein_error err = { 0 };
    int r;

    if (parameter(step, "error"))
        return show_error(step, true);
    if (!parameter(step, "code"))
        return step->http->fail(step->req, 400, "The provider sent no code.");
    r = exchange(step, &said, &claims, &err);
    if (r == EIN_E_DENIED)
        return show_refused(step, NULL, &err);
    if (r < 0) {
        tell(step, NULL, "failed", err.text);
        return step->http->fail(step->req, 502, "Provider exchange failed: %s", err.text);
    }
    if (blocked_check(step->self->host, step->self->ctx, text_of(claims, "uid"), &err) < 0)
        return show_refused(step, text_of(claims, "uid"), &err);
    if (!claims_may_log_in(claims))
        return show_denied(step, claims);
    return let_in(step, claims, said);
}

static int come_back(struct step *step)
{
    struct ein_error err = { 0 };
    int r = is_our_state(step) ? state_use(step->self, step->secrets.state, &err) : EIN_E_CONFLICT;

    if (r == EIN_E_CONFLICT && parameter(step, "error"))
        return show_error(step, false);
    if (r == EIN_E_CONFLICT)
        return step->http->fail(step->req, 400, "Invalid state; possible CSRF");
    if (r < 0)
        return step->http->fail_error(step->req, &err);
    cookie_drop(step->http, step->req, STATE_COOKIE);
    cookie_drop(step->http, step->req, RETURN_TO_COOKIE);
    return finish(step);
}

int login_callback(struct ein_req *req, void *self)
{
    struct step step;
    int r = step_begin(&step, req, self);

    if (r == 0)
        r = come_back(&step);
    step_end(&step);
    return r;
}
