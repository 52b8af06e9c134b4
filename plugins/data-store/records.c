/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"
#include "cleanup.h"
#include "disk_room.h"
#include "document.h"
#include "http_json.h"
#include "ownership.h"
#include "record.h"

/* What each of these calls begins with: 0, or the status that was replied. */
struct call {
    const struct data_store *store;
    const struct ein_http *http;
    struct ein_req *req;
    struct record_key at;
    struct ein_error err;
};

static int call_fail(struct call *call)
{
    if (call->err.code == EIN_E_INVALID)
        return call->http->fail(call->req, 422, "%s", call->err.text);
    return call->http->fail_error(call->req, &call->err);
}

static int call_init(struct call *call, struct ein_req *req, void *self)
{
    const struct data_store *store = self;
    const struct ein_http *http = store->host->http;
    const char *owner;
    int r;

    *call = (struct call){ .store = store, .http = http, .req = req };
    r = ownership_whose(http, req, &owner);
    if (r)
        return r;
    r = record_key_init(&call->at, owner, http->path_param(req, "namespace"),
                        http->path_param(req, "key"), &call->err);
    return r < 0 ? call_fail(call) : 0;
}

int records_list(struct ein_req *req, void *self)
{
    const struct data_store *store = self;
    const struct ein_http *http = store->host->http;
    const char *owner;
    int r = ownership_whose(http, req, &owner);

    if (r)
        return r;
    EIN_JSON json_t *where =
        json_pack("{s:s, s:s}", "userId", owner, "namespace", http->path_param(req, "namespace"));
    const struct ein_query query = { .struct_size = sizeof(query), .where = where };

    return reply_page(store->host, store->ctx, req, DATA_STORE_SET, &query, record_view);
}

int record_get_one(struct ein_req *req, void *self)
{
    struct call call;
    EIN_JSON json_t *doc = NULL;
    int r = call_init(&call, req, self);

    if (r)
        return r;
    if (record_read(call.store, &call.at, &doc, &call.err) < 0)
        return call_fail(&call);
    return reply_with_rev(call.http, req, 200, doc_rev(doc), record_view(doc));
}

/* The document as it shall be: `old` is NULL where there is none. */
static json_t *doc_after_put(const struct record_key *at, const json_t *old, const json_t *body)
{
    const json_t *value = json_object_get(body, "value");
    const json_t *metadata = json_object_get(body, "metadata");

    if (!json_is_object(metadata))
        metadata = NULL;
    if (!old)
        return record_new(at, value, metadata, NULL);

    EIN_JSON json_t *changes = record_changes(old, value, metadata, NULL);
    EIN_JSON json_t *doc = json_copy((json_t *)old);
    return changes && doc && json_object_update(doc, changes) == 0 ? EIN_TAKE(doc) : NULL;
}

/* Reads, checks and writes once.  EIN_E_CONFLICT: somebody else was faster. */
static int put_once(struct call *call)
{
    const struct ein_store *docs = call->store->host->store;
    EIN_JSON json_t *old = NULL;
    char rev[EIN_REV_SIZE];

    int r = record_read(call->store, &call->at, &old, &call->err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return call_fail(call);
    r = check_rev(call->http, call->req, doc_rev(old));
    if (r)
        return r;

    EIN_JSON json_t *doc = doc_after_put(&call->at, old, call->http->body(call->req));
    if (!doc)
        return EIN_E_NO_MEMORY;
    r = disk_take_doc(call->store->host, call->store->ctx, call->at.user, doc, old, &call->err);
    if (r < 0)
        return call_fail(call);
    r = docs->put(call->store->ctx, DATA_STORE_SET, call->at.id, old ? doc_rev(old) : EIN_REV_NEW,
                  doc, rev, &call->err);
    if (r < 0)
        return r == EIN_E_CONFLICT ? r : call_fail(call);

    if (json_object_set_new(doc, "_id", json_string(call->at.id)))
        return EIN_E_NO_MEMORY;
    return reply_with_rev(call->http, call->req, 200, rev, record_view(doc));
}

/* Reads, checks and deletes once.  EIN_E_CONFLICT as above. */
static int delete_once(struct call *call)
{
    const struct ein_store *docs = call->store->host->store;
    EIN_JSON json_t *doc = NULL;

    if (record_read(call->store, &call->at, &doc, &call->err) < 0)
        return call_fail(call);
    int r = check_rev(call->http, call->req, doc_rev(doc));
    if (r)
        return r;
    r = docs->del(call->store->ctx, DATA_STORE_SET, call->at.id, doc_rev(doc), &call->err);
    if (r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND)
        return EIN_E_CONFLICT;
    if (r < 0)
        return call_fail(call);
    disk_give_doc(call->store->host, call->store->ctx, call->at.user, doc);
    return call->http->reply(call->req, 204, NULL);
}

static int repeat(struct call *call, int (*once)(struct call *call))
{
    for (int i = 0; i < WRITE_TRIES; i++) {
        int r = once(call);
        if (r != EIN_E_CONFLICT)
            return r;
    }
    return call->http->fail(call->req, 409, "Record '%s' keeps changing.", call->at.key);
}

int record_put_one(struct ein_req *req, void *self)
{
    struct call call;
    int r = call_init(&call, req, self);

    if (r)
        return r;
    if (record_check_value(call.store, json_object_get(call.http->body(req), "value"), &call.err) <
        0)
        return call_fail(&call);
    return repeat(&call, put_once);
}

int record_delete_one(struct ein_req *req, void *self)
{
    struct call call;
    int r = call_init(&call, req, self);

    return r ? r : repeat(&call, delete_once);
}
