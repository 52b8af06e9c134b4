/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_event.h"
#include "auth_session.h"
#include "cleanup.h"
#include "clock.h"
#include "cookie.h"
#include "member.h"
#include "session.h"

#include <string.h>

/* One's own sessions, /auth/sessions, and what an admin may do to those of others. */

/* The id of the session that this request came with, or "". */
static void current_id(const struct auth_session *self, struct ein_req *req,
                       char ret_id[TOKEN_HASH_SIZE])
{
    const char *token = NULL;

    ret_id[0] = '\0';
    if (cookie_read(self->host->http, req, SESSION_COOKIE, &token) == COOKIE_ONE)
        token_hash(token, ret_id);
}

static json_t *entry_of(const json_t *doc, const char *current)
{
    char expires[CLOCK_ISO_SIZE];

    clock_iso_at(expires, integer_of(doc, "expiresAt") * 1000);
    return json_pack("{s:O, s:O, s:O, s:s, s:O, s:O, s:b}", "id", json_object_get(doc, "_id"),
                     "providerType", json_object_get(json_object_get(doc, "claims"), "provider"),
                     "createdAt", json_object_get(doc, "createdAt"), "expiresAt", expires,
                     "address", json_object_get(doc, "address"), "userAgent",
                     json_object_get(doc, "userAgent"), "current",
                     !strcmp(text_of(doc, "_id"), current));
}

int mine_list(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    EIN_JSON json_t *docs = NULL, *list = json_array();
    char current[TOKEN_HASH_SIZE];
    struct ein_error err;
    const json_t *doc;
    size_t i;

    if (session_list(self, http->identity(req)->uid, &docs, &err) < 0)
        return http->fail_error(req, &err);
    current_id(self, req, current);
    json_array_foreach(docs, i, doc)
    {
        if (json_array_append_new(list, entry_of(doc, current)) < 0)
            return EIN_E_NO_MEMORY;
    }
    return http->reply(req, 200, EIN_TAKE(list));
}

int mine_revoke(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    const char *id = http->path_param(req, "session_id");
    EIN_JSON json_t *doc = NULL;
    struct ein_error err;
    int r = EIN_E_NOT_FOUND;

    if (strlen(id) == TOKEN_HASH_SIZE - 1)
        r = self->host->store->get(self->ctx, SESSIONS_SET, id, &doc, &err);
    if (r == EIN_E_NOT_FOUND ||
        (r >= 0 && strcmp(text_of(doc, "userId"), http->identity(req)->uid)))
        return http->fail(req, 404, "You have no such session.");
    if (r >= 0)
        r = session_end(self, id, &err);
    return r < 0 ? http->fail_error(req, &err) : http->reply(req, 204, NULL);
}

int mine_revoke_all(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    struct ein_error err;
    size_t count;

    if (session_end_all(self, http->identity(req)->uid, &count, &err) < 0)
        return http->fail_error(req, &err);
    cookie_drop(http, req, SESSION_COOKIE);
    return http->reply(req, 200, json_pack("{s:I}", "deletedCount", (json_int_t)count));
}

/* What they are logged in with elsewhere, and whether they may log in again, is the provider's. */
int others_revoke_all(struct ein_req *req, void *data)
{
    const struct auth_session *self = data;
    const struct ein_http *http = self->host->http;
    const char *uid = http->path_param(req, "user_id");
    struct ein_error err;
    size_t count;

    if (session_end_all(self, uid, &count, &err) < 0)
        return http->fail_error(req, &err);
    if (audit_done(self->host, self->ctx, req, NULL, "sessions_ended", uid,
                   json_pack("{s:I}", "deletedCount", (json_int_t)count), &err) < 0)
        http->log_msg(req, EIN_WARN, "the end of sessions of %s is missing in the audit: %s", uid,
                      err.text);
    return http->reply(req, 200, json_pack("{s:I}", "deletedCount", (json_int_t)count));
}
