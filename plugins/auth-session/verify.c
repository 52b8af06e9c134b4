/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"
#include "bearer.h"
#include "claims.h"
#include "cleanup.h"
#include "cookie.h"
#include "error.h"
#include "refresh.h"
#include "session.h"

static int refuse(const struct auth_session *self, struct ein_req *req, struct ein_error *err)
{
    (void)bearer_refuse(self->host->http, req, "session_expired");
    return error_set(err, EIN_E_DENIED, "Session expired or invalid");
}

/* Whether somebody is a site admin is asked of the configuration each time: who is taken from the
 * list is none at once. */
static json_t *identity_of(const struct auth_session *self, const json_t *doc)
{
    json_t *claims = json_object_get(doc, "claims"), *changed;
    bool is_admin = claims_is_site_admin(self, json_object_get(doc, "said"));

    if (json_is_true(json_object_get(claims, "admin")) == is_admin)
        return json_incref(claims);
    changed = json_copy(claims);
    if (json_object_set_new(changed, "admin", json_boolean(is_admin)) == 0)
        return changed;
    json_decref(changed);
    return NULL;
}

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct auth_session *self = impl;
    EIN_JSON json_t *doc = NULL;
    const char *token = NULL;
    int r;

    switch (cookie_read(self->host->http, req, SESSION_COOKIE, &token)) {
    case COOKIE_NONE:
        return EIN_AUTH_DEFER;
    case COOKIE_SEVERAL:
        return refuse(self, req, err);
    case COOKIE_ONE:
        break;
    }
    r = session_find(self, token, &doc, err);
    if (r >= 0 && refresh_is_due(doc))
        r = refresh_session(self, &doc, NULL, err);
    if (r == EIN_E_NOT_FOUND || r == EIN_E_DENIED)
        return refuse(self, req, err);
    if (r < 0)
        return r;
    *ret_claims = identity_of(self, doc);
    return *ret_claims ? 0 : error_no_memory(err);
}

const struct ein_auth_provider session_provider = {
    .struct_size = sizeof(session_provider),
    .verify = verify,
};
