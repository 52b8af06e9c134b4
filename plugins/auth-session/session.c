/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "http_json.h"
#include "member.h"
#include "str.h"

#include <string.h>

enum { SWEEP_BATCH = 500 };

static bool is_live(const json_t *doc)
{
    return integer_of(doc, "expiresAt") > clock_wall_ms();
}

/* ---- beginning ---- */

static json_t *shortened(const char *agent)
{
    return agent ? json_stringn(agent, (size_t)str_cut(agent, USER_AGENT_MAX)) : json_null();
}

static json_t *without_workspaces(const json_t *said)
{
    json_t *copy = json_copy((json_t *)said);

    (void)json_object_del(copy, "workspaces");
    return copy;
}

static json_t *document(const struct auth_session *self, struct ein_req *req, const json_t *claims,
                        const json_t *said)
{
    const struct ein_http *http = self->host->http;
    int64_t now = clock_wall_ms();
    char created[CLOCK_ISO_SIZE];

    clock_iso(created); /* to the microsecond: who came first is asked later */
    return json_pack(
        "{s:O, s:O, s:o, s:s, s:I, s:I, s:s, s:o}", "userId", json_object_get(claims, "uid"),
        "claims", claims, "said", without_workspaces(said), "createdAt", created, "expiresAt",
        (json_int_t)(now + self->ttl_s * 1000), "refreshAt", (json_int_t)(now + self->refresh_ms),
        "address", http->client_addr(req), "userAgent", shortened(http->header(req, "User-Agent")));
}

/* Makes room for one more. */
static int end_oldest(const struct auth_session *self, const char *uid, struct ein_error *err)
{
    EIN_JSON json_t *docs = NULL;
    int r = session_list(self, uid, &docs, err);

    for (size_t i = self->sessions_per_user - 1; r >= 0 && i < json_array_size(docs); i++)
        r = session_end(self, text_of(json_array_get(docs, i), "_id"), err);
    return r;
}

int session_start(const struct auth_session *self, struct ein_req *req, const json_t *claims,
                  const json_t *said, struct ein_error *err)
{
    char token[TOKEN_SIZE], id[TOKEN_HASH_SIZE];
    EIN_JSON json_t *doc = document(self, req, claims, said);
    int r;

    if (!doc)
        return error_no_memory(err);
    r = token_make(token);
    if (r < 0)
        return error_set(err, r, "no random numbers");
    r = end_oldest(self, text_of(claims, "uid"), err);
    if (r < 0)
        return r;
    token_hash(token, id);
    r = self->host->store->put(self->ctx, SESSIONS_SET, id, EIN_REV_NEW, doc, NULL, err);
    if (r < 0)
        return r;
    r = self->host->http->set_cookie(req, SESSION_COOKIE, token, self->ttl_s, EIN_COOKIE_HTTP_ONLY);
    explicit_bzero(token, sizeof(token));
    return r < 0 ? error_set(err, r, "the cookie could not be set") : 0;
}

/* ---- finding ---- */

int session_read(const struct auth_session *self, const char *id, json_t **ret_doc,
                 struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = self->host->store->get(self->ctx, SESSIONS_SET, id, &doc, err);

    if (r < 0)
        return r;
    if (!is_live(doc))
        return error_set(err, EIN_E_NOT_FOUND, "the session has expired");
    *ret_doc = EIN_TAKE(doc);
    return 0;
}

int session_find(const struct auth_session *self, const char *token, json_t **ret_doc,
                 struct ein_error *err)
{
    char id[TOKEN_HASH_SIZE];

    if (strlen(token) != TOKEN_SIZE - 1)
        return error_set(err, EIN_E_NOT_FOUND, "not a session");
    token_hash(token, id);
    return session_read(self, id, ret_doc, err);
}

int session_list(const struct auth_session *self, const char *uid, json_t **ret_docs,
                 struct ein_error *err)
{
    static const char *const youngest_first[] = { "-createdAt", NULL };
    EIN_JSON json_t *where =
        json_pack("{s:s, s:{s:I}}", "userId", uid, "expiresAt", "$gt", (json_int_t)clock_wall_ms());
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .order = youngest_first };

    if (!where)
        return error_no_memory(err);
    return find_docs(self->host, self->ctx, SESSIONS_SET, &query, ret_docs, NULL, err);
}

/* ---- changing and ending ---- */

int session_update(const struct auth_session *self, json_t **doc, const json_t *members,
                   struct ein_error *err)
{
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE,
                             .set = SESSIONS_SET,
                             .id = text_of(*doc, "_id"),
                             .expect = text_of(*doc, "_rev"),
                             .doc = members };
    EIN_JSON json_t *changed = json_copy(*doc);
    int r;

    if (!members || !changed)
        return error_no_memory(err);
    r = self->host->store->batch(self->ctx, &op, 1, sizeof(op), err);
    if (r < 0)
        return r;
    if (json_object_update(changed, (json_t *)members) < 0 ||
        json_object_set_new(changed, "_rev", json_string(op.ret_rev)) < 0)
        return error_no_memory(err);
    json_decref(*doc);
    *doc = EIN_TAKE(changed);
    return 0;
}

int session_end(const struct auth_session *self, const char *id, struct ein_error *err)
{
    int r = self->host->store->del(self->ctx, SESSIONS_SET, id, EIN_REV_ANY, err);

    return r == EIN_E_NOT_FOUND ? 0 : r;
}

int session_end_all(const struct auth_session *self, const char *uid, size_t *ret_count,
                    struct ein_error *err)
{
    EIN_JSON json_t *docs = NULL;
    const json_t *doc;
    size_t i;
    int r = session_list(self, uid, &docs, err);

    if (r < 0)
        return r;
    json_array_foreach(docs, i, doc)
    {
        r = session_end(self, text_of(doc, "_id"), err);
        if (r < 0)
            return r;
    }
    *ret_count = json_array_size(docs);
    return 0;
}

/* How many have gone; fewer than SWEEP_BATCH: there are no more. */
static size_t sweep_some(const struct auth_session *self, const char *set)
{
    EIN_JSON json_t *where =
        json_pack("{s:{s:I}}", "expiresAt", "$lte", (json_int_t)clock_wall_ms());
    int r = where ? delete_found(self->host, self->ctx, set, where, SWEEP_BATCH, NULL) : 0;

    return r > 0 ? (size_t)r : 0; /* what failed goes the next time, perhaps */
}

void session_sweep(void *data)
{
    static const char *const sets[] = { SESSIONS_SET, STATES_SET };

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        while (sweep_some(data, sets[i]) == SWEEP_BATCH)
            ;
}
