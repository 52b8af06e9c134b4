/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"
#include "bearer.h"
#include "claims.h"
#include "cleanup.h"
#include "cookie.h"
#include "error.h"
#include "member.h"
#include "provider.h"
#include "refresh.h"
#include "session.h"

static const char expired[] = "Session expired or invalid";

static int refuse(const struct auth_session *self, struct ein_req *req, const char *why,
                  struct ein_error *err)
{
    static const char reason[] = "session_expired";

    (void)bearer_refuse(self->host->http, req, reason);
    (void)self->host->http->set_header(req, "X-Auth-Reason", reason); /* where front ends look */
    return error_set(err, EIN_E_DENIED, "%s", why);
}

/* Who may log in is their provider's to say: a session does not outlive it. */
static int check_provider(const struct auth_session *self, const json_t *doc, struct ein_error *err)
{
    const char *name = text_of(json_object_get(doc, "claims"), "provider");
    const struct ein_service *service = provider_acquire(self, name);

    if (!service)
        return error_set(err, EIN_E_DENIED,
                         "This session belongs to the login '%s', which this server no longer has.",
                         name);
    self->host->release(self->ctx, service);
    return 0;
}

/* Whether somebody is a site admin is asked of the configuration each time: who is taken from the
 * list is none at once. */
static json_t *identity_of(const struct auth_session *self, const json_t *doc)
{
    EIN_JSON json_t *claims = json_copy(json_object_get(doc, "claims"));
    bool is_admin = claims_is_site_admin(self, json_object_get(doc, "said"));

    if (json_object_set_new(claims, "admin", json_boolean(is_admin)) < 0 ||
        json_object_set(claims, "sessionId", json_object_get(doc, "_id")) < 0)
        return NULL;
    return EIN_TAKE(claims);
}

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct auth_session *self = impl;
    EIN_JSON json_t *doc = NULL;
    const char *token = NULL;
    struct ein_error why;
    int r;

    switch (cookie_read(self->host->http, req, SESSION_COOKIE, &token)) {
    case COOKIE_NONE:
        return EIN_AUTH_DEFER;
    case COOKIE_SEVERAL:
        return refuse(self, req, expired, err);
    case COOKIE_ONE:
        break;
    }
    r = session_find(self, token, &doc, err);
    if (r >= 0 && check_provider(self, doc, &why) < 0)
        return refuse(self, req, why.text, err);
    if (r >= 0 && refresh_is_due(doc))
        r = refresh_session(self, &doc, NULL, err);
    if (r == EIN_E_NOT_FOUND || r == EIN_E_DENIED)
        return refuse(self, req, expired, err);
    if (r < 0)
        return r;
    *ret_claims = identity_of(self, doc);
    return *ret_claims ? 0 : error_no_memory(err);
}

static int still(void *impl, const json_t *claims, struct ein_error *err)
{
    const struct auth_session *self = impl;
    const char *id = text_of(claims, "sessionId");
    EIN_JSON json_t *doc = NULL;

    if (!id)
        return EIN_AUTH_DEFER;
    int r = session_read(self, id, &doc, err);

    if (r == EIN_E_NOT_FOUND)
        return error_set(err, EIN_E_DENIED, "the login has ended");
    return r < 0 ? r : check_provider(self, doc, err);
}

const struct ein_auth_provider session_provider = {
    .struct_size = sizeof(session_provider),
    .verify = verify,
    .still = still,
};
