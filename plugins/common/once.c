/* SPDX-License-Identifier: Apache-2.0 */
#include "once.h"

#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "http_json.h"
#include "timestamps.h"
#include <gnutls/crypto.h>
#include <string.h>

enum {
    TRIES_MAX = 10, /* while others take the same key */
    SWEEP_MAX = 20, /* answers whose time is over that one call deletes */
    DIGEST_SIZE = 32
};

/* ---- the key ------------------------------------------------------------------- */

static int check_key(const char *key, struct ein_error *err)
{
    size_t len = strlen(key);

    for (const char *c = key; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            len = 0;
    if (len > 0 && len <= ONCE_KEY_MAX)
        return 0;
    return error_set(err, EIN_E_INVALID, "An Idempotency-Key has 1 to %d visible ASCII characters.",
                     ONCE_KEY_MAX);
}

/* Each of the texts, to the NULL, with its NUL: no two lists of them are alike. */
static int digest(const char *const *texts, char ret_id[ONCE_ID_SIZE])
{
    unsigned char bytes[DIGEST_SIZE];
    gnutls_hash_hd_t hash;

    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
        return -1;
    int r = 0;
    for (; *texts; texts++)
        if (gnutls_hash(hash, *texts, strlen(*texts) + 1) < 0)
            r = -1;
    gnutls_hash_deinit(hash, bytes);
    hex_encode(bytes, sizeof(bytes), ret_id);
    return r;
}

static int digest_all(struct once *once, const char *uid, const char *name, const char *key)
{
    EIN_FREE char *input = json_dumps(once->input, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    const char *const id[] = { uid, name, key, NULL }, *const whole[] = { key, input, NULL };

    return !input || digest(id, once->id) < 0 || digest(whole, once->input_hash) < 0 ? -1 : 0;
}

/* ---- what is kept ---------------------------------------------------------------- */

static json_t *make_doc(const struct once *once, int64_t for_ms, const json_t *outcome)
{
    EIN_JSON json_t *doc = json_pack("{s:s, s:I, s:o}", "inputHash", once->input_hash, "until",
                                     (json_int_t)(now_ms() + for_ms), "outcome",
                                     outcome ? json_incref((json_t *)outcome) : json_null());

    if (doc && once->more && json_object_update_missing(doc, (json_t *)once->more) < 0)
        return NULL;
    return EIN_TAKE(doc);
}

static int take(struct once *once, const char *expect, struct ein_error *err)
{
    const struct once_rules *rules = once->rules;
    EIN_JSON json_t *doc = make_doc(once, rules->running_ms, NULL);

    if (!doc)
        return error_no_memory(err);
    return rules->host->store->put(rules->ctx, rules->set, once->id, expect, doc, once->rev, err);
}

/* Answers whose time is over; what fails is done by a later call. */
static void sweep(const struct once_rules *rules)
{
    EIN_JSON json_t *where = json_pack("{s:{s:I}}", "until", "$lte", (json_int_t)now_ms());
    EIN_JSON json_t *found = NULL;
    const struct ein_query query = { .struct_size = sizeof(query),
                                     .where = where,
                                     .limit = SWEEP_MAX };
    char *cursor = NULL;
    size_t i;
    json_t *doc;

    if (where)
        (void)find_docs(rules->host, rules->ctx, rules->set, &query, &found, &cursor, NULL);
    rules->host->mem_free(cursor);
    json_array_foreach(found, i, doc)
    {
        (void)rules->host->store->del(rules->ctx, rules->set,
                                      json_string_value(json_object_get(doc, "_id")),
                                      json_string_value(json_object_get(doc, "_rev")), NULL);
    }
}

/* What KEPT, the document of an earlier call, means for this one; as once_begin(). */
static int judge(const struct once *once, json_t *kept, json_t **ret_answered,
                 struct ein_error *err)
{
    const char *hash = json_string_value(json_object_get(kept, "inputHash"));

    if (!hash || strcmp(hash, once->input_hash) != 0)
        return error_set(err, EIN_E_INVALID,
                         "This Idempotency-Key was used with another input before.");
    if (json_is_null(json_object_get(kept, "outcome")))
        return error_set(err, EIN_E_CONFLICT,
                         "The request with this Idempotency-Key is still running.");
    *ret_answered = json_incref(kept);
    return 1;
}

int once_begin(struct once *once, const char *uid, const char *name, const char *key,
               json_t **ret_answered, struct ein_error *err)
{
    const struct once_rules *rules = once->rules;
    int r = check_key(key, err);

    if (r < 0)
        return r;
    if (digest_all(once, uid, name, key) < 0)
        return error_set(err, EIN_E_INTERNAL, "The Idempotency-Key cannot be digested.");
    sweep(rules);
    r = EIN_E_CONFLICT;
    for (int tries = 0; r == EIN_E_CONFLICT && tries < TRIES_MAX; tries++) {
        EIN_JSON json_t *kept = NULL;

        r = rules->host->store->get(rules->ctx, rules->set, once->id, &kept, err);
        if (r < 0 && r != EIN_E_NOT_FOUND)
            return r;
        if (kept && json_integer_value(json_object_get(kept, "until")) > now_ms())
            return judge(once, kept, ret_answered, err);
        r = take(once, kept ? json_string_value(json_object_get(kept, "_rev")) : EIN_REV_NEW, err);
    }
    return r;
}

/* An answer that cannot be kept leaves the key as it is: a second run would be worse than none. */
void once_end(struct once *once, const json_t *outcome)
{
    const struct once_rules *rules = once->rules;
    const struct ein_store *store = rules->host->store;
    EIN_JSON json_t *doc = outcome ? make_doc(once, rules->kept_ms, outcome) : NULL;
    struct ein_error err = { 0 };
    int r = EIN_E_NO_MEMORY;

    if (doc)
        r = store->put(rules->ctx, rules->set, once->id, once->rev, doc, NULL, &err);
    else if (!outcome)
        r = store->del(rules->ctx, rules->set, once->id, once->rev, &err);
    if (r < 0)
        rules->host->log_msg(rules->ctx, EIN_WARN,
                             "the answer to a request with an Idempotency-Key is not kept: %s",
                             err.code ? err.text : "no memory");
}

int once_tell(const struct ein_http *http, struct ein_req *req)
{
    return http->set_header(req, "Idempotent-Replayed", "true");
}
