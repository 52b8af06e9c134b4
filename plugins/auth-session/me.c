/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_event.h"
#include "auth_session.h"
#include "cleanup.h"
#include "cookie.h"
#include "refresh.h"
#include "session.h"

#include <string.h>

/* ---- GET /auth/me ---- */

static json_t *workspaces_of(const struct ein_identity *identity)
{
    json_t *list = json_array();
    const json_t *item;
    size_t i;

    json_array_foreach(identity->workspaces, i, item)
    {
        json_t *entry = json_pack(
            "{s:O?, s:O?, s:O?, s:O?, s:O?}", "workspaceId", json_object_get(item, "id"), "role",
            json_object_get(item, "role"), "displayName", json_object_get(item, "name"), "source",
            json_object_get(item, "source"), "description", json_object_get(item, "description"));

        if (json_array_append_new(list, entry) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

int me_show(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    const struct ein_identity *identity = http->identity(req);
    json_t *workspaces;

    (void)http->set_header(req, "Cache-Control", "no-store");
    if (!identity)
        return http->fail(req, 401, "Not authenticated");
    workspaces = workspaces_of(identity);
    return http->reply(req, 200,
                       json_pack("{s:s, s:s?, s:s?, s:s, s:o, s:b}", "uid", identity->uid,
                                 "displayName", identity->name, "email", identity->email,
                                 "providerType", identity->provider, "workspaces", workspaces,
                                 "isSiteAdmin", (identity->flags & EIN_IDENTITY_ADMIN) != 0));
}

/* ---- POST /auth/logout ---- */

static void audit_logout(const struct auth_session *self, struct ein_req *req, const json_t *doc)
{
    const struct ein_http *http = self->host->http;
    struct ein_error err = { 0 };
    json_t *event = json_pack("{s:s, s:O, s:s, s:s}", "action", "logout", "actor",
                              json_object_get(doc, "userId"), "address", http->client_addr(req),
                              "outcome", "success");

    if (audit_event(self->host, self->ctx, event, &err) < 0)
        http->log_msg(req, EIN_WARN, "a logout is missing in the audit: %s", err.text);
}

static int end_session(const struct auth_session *self, struct ein_req *req, const char *token,
                       struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = session_find(self, token, &doc, err);

    if (r == EIN_E_NOT_FOUND)
        return 0;
    if (r >= 0)
        r = session_end(self, json_string_value(json_object_get(doc, "_id")), err);
    if (r >= 0)
        audit_logout(self, req, doc);
    return r;
}

int me_logout(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    const char *token = NULL;
    struct ein_error err;

    cookie_drop(http, req, SESSION_COOKIE);
    if (self->logins && cookie_read(http, req, SESSION_COOKIE, &token) == COOKIE_ONE &&
        end_session(self, req, token, &err) < 0)
        return http->fail_error(req, &err);
    return http->reply(req, 204, NULL);
}

/* ---- POST /auth/refresh-workspaces ---- */

/* The session that the caller is here by, or NULL. */
static json_t *own_session(const struct auth_session *self, struct ein_req *req)
{
    const char *token = NULL;
    json_t *doc = NULL;
    struct ein_error unused;

    if (self->logins && !strcmp(self->host->http->identity(req)->proof, "cookie") &&
        cookie_read(self->host->http, req, SESSION_COOKIE, &token) == COOKIE_ONE)
        (void)session_find(self, token, &doc, &unused);
    return doc;
}

int me_refresh(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    EIN_JSON json_t *doc = own_session(self, req);
    json_t *changes = NULL;
    struct ein_error err;
    int r = doc ? refresh_session(self, &doc, &changes, &err) : 0;

    if (r == EIN_E_DENIED) {
        cookie_drop(http, req, SESSION_COOKIE);
        return http->fail(req, 401, "%s", err.text);
    }
    if (r < 0)
        return http->fail_error(req, &err);
    return http->reply(req, 200, changes ? changes : refresh_nothing());
}
