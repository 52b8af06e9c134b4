/* SPDX-License-Identifier: Apache-2.0 */
#include "once.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "hex.h"
#include "http_inside.h"
#include "member.h"
#include "store.h"
#include "str.h"
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Documents: {"input", "until", "keptOf": whose it is, "answer"}.  The last is null while the first
 * request goes on, in the process "ranBy", and then {"status", "type", "headers", "text"}; without
 * text, "lost" says why it could not be kept.  And {"until"} of each process. */
static const char set[] = "idempotent_answers";

enum {
    KEY_MAX = 255,
    TRIES_MAX = 10,   /* while others take the same key */
    DROPS_MAX = 20,   /* answers too many that one request deletes */
    SWEPT_MAX = 100,  /* that are found at a time, */
    ROUNDS_MAX = 100, /* so many times in one sweep */
    DIGEST_SIZE = 32
};

/* ---- the key ---- */

static bool is_key(const char *key)
{
    for (const char *c = key; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            return false;
    return *key && strlen(key) <= KEY_MAX;
}

/* Each of the texts, to the NULL, with its NUL: no two lists of them are alike. */
static bool digest(const char *const *texts, const void *data, size_t len,
                   char ret_text[ONCE_ID_SIZE])
{
    unsigned char bytes[DIGEST_SIZE];
    gnutls_hash_hd_t hash;

    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
        return false;
    int r = 0;
    for (; r >= 0 && *texts; texts++)
        r = gnutls_hash(hash, *texts, strlen(*texts) + 1);
    if (r >= 0)
        r = gnutls_hash(hash, data, len);
    gnutls_hash_deinit(hash, bytes);
    hex_encode(bytes, sizeof(bytes), ret_text);
    return r >= 0;
}

static bool digest_id(const struct ein_req *req, const char *key, struct once *once)
{
    const char *credential = text_of(req->identity->claims, "keyId");
    const char *const whose[] = { req->identity->uid, credential ? credential : "",
                                  req->head.method, request_path(req), NULL };

    return digest(whose, key, strlen(key), once->id);
}

/* Of a body that was parsed what the handler sees: the order of its members is of no account. */
static bool digest_input(const struct ein_req *req, struct once *once)
{
    const char *const query[] = { req->query_text ? req->query_text : "", NULL };
    EIN_FREE char *body =
        req->body ? json_dumps(req->body, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    if (req->body)
        return body && digest(query, body, strlen(body), once->input);
    return digest(query, req->head.body, req->head.body_len, once->input);
}

/* ---- the process ---- */

void once_here_init(struct once_here *here, struct http *http)
{
    char id[REQUEST_ID_SIZE];

    http_make_id(http, id);
    (void)snprintf(here->name, sizeof(here->name), "server:%s", id);
    (void)pthread_mutex_init(&here->lock, NULL);
    list_init(&here->running);
}

void once_here_done(struct once_here *here)
{
    (void)pthread_mutex_destroy(&here->lock);
}

/* Says that it is there, unless it has just been said. */
static int tell(struct http *http, struct ein_error *err)
{
    struct once_here *here = &http->once;
    int64_t for_ms = INT64_C(1000) * http_settings(http)->limits.idempotency_running_s;
    int64_t until_ms = clock_wall_ms() + for_ms;

    if (until_ms - here->until_ms < for_ms / 2)
        return 0;
    EIN_JSON json_t *doc = json_pack("{s:I}", "until", (json_int_t)until_ms);
    int r = doc ? store_put(http->store, set, here->name, EIN_REV_ANY, doc, NULL, err)
                : error_no_memory(err);
    if (r == 0)
        here->until_ms = until_ms;
    return r;
}

/* What fails is tried again soon. */
void once_tell(void *data)
{
    struct http *http = data;
    EIN_LOCKED(&http->once.lock);

    if (!list_empty(&http->once.running))
        (void)tell(http, NULL);
}

/* From before its key is taken until its answer is kept. */
static int enter(struct http *http, struct once *once, struct ein_error *err)
{
    EIN_LOCKED(&once->here->lock);
    int r = tell(http, err);

    if (r == 0)
        list_append(&once->here->running, &once->link);
    return r;
}

static void leave(struct once *once)
{
    EIN_LOCKED(&once->here->lock);

    list_remove(&once->link);
}

static bool runs_here(const struct once *once)
{
    EIN_LOCKED(&once->here->lock);

    list_each(it, &once->here->running)
    {
        const struct once *other = list_entry(it, struct once, link);

        if (other != once && str_eq(other->id, once->id))
            return true;
    }
    return false;
}

/* Does the process that ran KEPT go on with it? */
static bool goes_on(const struct once *once, const json_t *kept)
{
    const char *by = text_of(kept, "ranBy");
    EIN_JSON json_t *there = NULL;

    if (str_eq(by, once->here->name))
        return runs_here(once);
    return by && store_get(once->store, set, by, &there, NULL) == 0 &&
           integer_of(there, "until") > clock_wall_ms();
}

/* ---- the first request, and another one ---- */

static int put(struct once *once, const char *expect, int64_t for_ms, const char *uid,
               json_t *take_answer, struct ein_error *err)
{
    const char *ran_by = json_is_null(take_answer) ? once->here->name : NULL;
    EIN_JSON json_t *doc = json_pack("{s:s, s:I, s:s, s:o, s:s*}", "input", once->input, "until",
                                     (json_int_t)(clock_wall_ms() + for_ms), "keptOf", uid,
                                     "answer", take_answer, "ranBy", ran_by);

    return doc ? store_put(once->store, set, once->id, expect, doc, once->rev, err)
               : error_no_memory(err);
}

static void send_again(struct ein_req *req, const json_t *answer)
{
    const json_t *text = json_object_get(answer, "text"), *value;
    const char *name;

    if (!json_is_string(text)) {
        (void)reply_fail(req, 422,
                         "The first request with this Idempotency-Key was answered, but the answer "
                         "is not kept: it was %s.",
                         text_of(answer, "lost"));
        return;
    }
    json_object_foreach(json_object_get(answer, "headers"), name, value)
    {
        (void)reply_set_header(req, name, json_string_value(value));
    }
    (void)reply_set_header(req, "Idempotent-Replayed", "true");
    (void)reply_bytes(req, (int)integer_of(answer, "status"), text_of(answer, "type"),
                      json_string_value(text), json_string_length(text));
}

static void fail_running(struct ein_req *req)
{
    (void)reply_set_header(req, "Retry-After", "1");
    (void)reply_fail(req, 409, "The request with this Idempotency-Key is still running.");
}

/* What it has done, and cost, nobody knows: to do it twice would be worse than not to answer. */
static void fail_cut_off(struct ein_req *req)
{
    (void)reply_fail(req, 422,
                     "The first request with this Idempotency-Key was cut off when its server "
                     "stopped: it may have been done, or not. With another key it is done anew.");
}

/* KEPT, the document of an earlier request, answers this one. */
static void answer_from(struct ein_req *req, const struct once *once, const json_t *kept)
{
    const json_t *answer = json_object_get(kept, "answer");

    if (!str_eq(text_of(kept, "input"), once->input))
        (void)reply_fail(req, 422, "This Idempotency-Key was used with another input before.");
    else if (!json_is_null(answer))
        send_again(req, answer);
    else if (goes_on(once, kept))
        fail_running(req);
    else
        fail_cut_off(req);
}

/* true: the key is this request's. */
static bool take(struct ein_req *req, struct once *once)
{
    const struct limits *limits = &req->settings->limits;
    int64_t for_ms = INT64_C(1000) * limits->idempotency_kept_s + limits->request_ms;

    for (int tries = 0; tries < TRIES_MAX; tries++) {
        EIN_JSON json_t *kept = NULL;
        struct ein_error err;
        int r = store_get(once->store, set, once->id, &kept, &err);

        if (kept && integer_of(kept, "until") > clock_wall_ms()) {
            answer_from(req, once, kept);
            return false;
        }
        if (r == 0 || r == EIN_E_NOT_FOUND)
            r = put(once, kept ? text_of(kept, "_rev") : EIN_REV_NEW, for_ms, req->identity->uid,
                    json_null(), &err);
        if (r == 0)
            return true;
        if (r != EIN_E_CONFLICT) {
            (void)reply_fail_error(req, &err);
            return false;
        }
    }
    fail_running(req);
    return false;
}

bool once_begin(struct ein_req *req, struct once *once)
{
    const char *key = req->route->spec.flags & EIN_ROUTE_ONCE && req->identity
                          ? request_header(req, "Idempotency-Key")
                          : NULL;

    if (!key)
        return true;
    *once = (struct once){ .here = &req->http->once,
                           .store = req->http->store,
                           .before = req->reply.headers };
    if (!is_key(key))
        return reply_refuse(req, 400, "An Idempotency-Key has 1 to %d visible ASCII characters.",
                            KEY_MAX);
    if (!digest_id(req, key, once) || !digest_input(req, once))
        return reply_refuse(req, 503, "The Idempotency-Key could not be hashed.");
    struct ein_error err;
    if (enter(req->http, once, &err) < 0) {
        (void)reply_fail_error(req, &err);
        return false;
    }
    if (!take(req, once)) {
        leave(once);
        return false;
    }
    buf_init(&once->streamed, req->settings->limits.idempotency_bytes);
    req->once = once;
    return true;
}

/* ---- its answer ---- */

void once_streamed(struct ein_req *req, const void *data, size_t len)
{
    if (req->once)
        (void)buf_add(&req->once->streamed, data, len);
}

/* What was refused, or could not be done, may be tried again with its key. */
static bool is_answer(struct ein_req *req, int result)
{
    const struct reply *reply = &req->reply;

    if (result < 0 || reply->status == 0 || req->once->cut)
        return false;
    if (reply->status == 500 && req->route->spec.flags & EIN_ROUTE_ONCE_500)
        return !req->has_cancel || !cancel_fired(&req->cancel);
    return reply->status < 400;
}

/* What the handler has set; what depends on who asks the server sets anew. */
static json_t *headers(const struct ein_req *req)
{
    json_t *all = json_object();

    for (const struct reply_header *it = req->reply.headers; it && it != req->once->before;
         it = it->next)
        if (strncasecmp(it->name, "Access-Control-", 15) != 0)
            (void)json_object_set_new(all, it->name, json_string(it->value));
    return all;
}

static json_t *answer_of(const struct ein_req *req)
{
    const struct reply *reply = &req->reply;
    const struct buf *streamed = &req->once->streamed;
    const char *text = reply->sent ? streamed->data : reply->body, *lost = NULL;
    size_t len = reply->sent ? streamed->len : reply->len;

    text = text ? text : "";
    if (req->route->spec.flags & EIN_ROUTE_ONCE_SECRET)
        lost = "a secret, which is shown once";
    else if (len > req->settings->limits.idempotency_bytes || streamed->error == EIN_E_TOO_LARGE)
        lost = "longer than limits.idempotency_bytes";
    else if (streamed->error)
        lost = "more than there was memory for";
    else if (!str_is_utf8(text, len))
        lost = "not UTF-8 text";
    return json_pack("{s:i, s:s?, s:o, s:s*, s:o}", "status", reply->status, "type", reply->type,
                     "headers", headers(req), "lost", lost, "text",
                     lost ? json_null() : json_stringn(text, len));
}

/* Without the answers, which may be long. */
static int collect(const json_t *doc, void *found)
{
    return json_array_append_new(found, json_pack("{s:O, s:O}", "_id", json_object_get(doc, "_id"),
                                                  "_rev", json_object_get(doc, "_rev")));
}

/* Deletes the first MAX answers that fit WHERE: how many there were, which may still be there where
 * one of them has changed meanwhile, or an error. */
static int drop_found(struct store *store, json_t *take_where, const char *const *order,
                      uint32_t max, struct ein_error *err)
{
    EIN_JSON json_t *where = take_where;
    EIN_JSON json_t *found = json_array();
    static const char *const ids_only[] = { NULL };
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .order = order,
                                     .limit = max,
                                     .fields = ids_only };
    EIN_FREE struct ein_doc_op *ops = calloc(max, sizeof(*ops));
    const json_t *doc;
    size_t i;

    if (!where || !found || !ops)
        return error_no_memory(err);
    int r = store_find(store, set, &query, collect, found, NULL, err);
    json_array_foreach(found, i, doc)
    {
        ops[i] = (struct ein_doc_op){ .kind = EIN_DOC_DELETE,
                                      .set = set,
                                      .id = text_of(doc, "_id"),
                                      .expect = text_of(doc, "_rev") };
    }
    if (r >= 0 && i > 0)
        r = store_batch(store, ops, i, sizeof(*ops), err);
    /* Who has taken a key anew, or deleted it, was ahead. */
    return r >= 0 || r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND ? (int)i : r;
}

/* The oldest go. */
static int make_room(const struct ein_req *req, struct ein_error *err)
{
    static const char *const oldest[] = { "until", NULL };
    struct store *store = req->once->store;
    const uint64_t max = req->settings->limits.idempotency_answers;
    EIN_JSON json_t *where = json_pack("{s:s, s:n}", "keptOf", req->identity->uid, "ranBy");
    uint64_t count = 0;
    int r = where ? store_tally(store, set, where, &count, err) : error_no_memory(err);

    if (r < 0 || count <= max)
        return r;
    return drop_found(store, json_incref(where), oldest,
                      count - max < DROPS_MAX ? (uint32_t)(count - max) : DROPS_MAX, err);
}

static int keep(const struct ein_req *req, struct ein_error *err)
{
    json_t *answer = answer_of(req);
    int r = answer ? put(req->once, req->once->rev,
                         INT64_C(1000) * req->settings->limits.idempotency_kept_s,
                         req->identity->uid, answer, err)
                   : error_no_memory(err);

    return r < 0 ? r : make_room(req, err);
}

/* An answer that cannot be kept leaves the key as it is: as that of one that was cut off. */
void once_end(struct ein_req *req, int result)
{
    struct once *once = req->once;
    struct ein_error err;

    if (!once)
        return;
    int r = is_answer(req, result) ? keep(req, &err)
                                   : store_del(once->store, set, once->id, once->rev, &err);
    if (r < 0)
        request_log(req, EIN_WARN,
                    "the answer to a request with an Idempotency-Key is not kept: %s", err.text);
    leave(once);
    buf_done(&once->streamed);
    req->once = NULL;
}

/* ---- what is over ---- */

int once_index(struct store *store, struct ein_error *err)
{
    int r = store_index(store, set, "until", err);

    return r < 0 ? r : store_index(store, set, "keptOf", err);
}

/* What fails is done by the next one. */
void once_sweep(void *store)
{
    int r = SWEPT_MAX;

    for (int round = 0; r == SWEPT_MAX && round < ROUNDS_MAX; round++)
        r = drop_found(store, json_pack("{s:{s:I}}", "until", "$lte", (json_int_t)clock_wall_ms()),
                       NULL, SWEPT_MAX, NULL);
}

int once_erase(struct store *store, const char *uid, struct ein_error *err)
{
    return drop_found(store, json_pack("{s:s}", "keptOf", uid), NULL, SWEPT_MAX, err);
}
