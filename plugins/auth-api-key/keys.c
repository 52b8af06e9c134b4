/* SPDX-License-Identifier: Apache-2.0 */
#include "api_keys.h"
#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "http_json.h"
#include "key_doc.h"
#include "key_owner.h"
#include "limits.h"
#include "scopes.h"
#include <gnutls/gnutls.h>
#include <string.h>

/* What a POST asks for, and who does. */
struct making {
    struct api_keys *self;
    struct ein_req *req;
    const struct ein_identity *identity;
    const char *by_key;  /* the id of the key that asks; NULL: somebody who is logged in */
    int64_t expires;     /* 0: never */
    char text[KEY_SIZE]; /* the secret */
    char id[KEY_ID_SIZE];
};

static const char *calling_key(const struct ein_identity *identity)
{
    return strcmp(identity->proof, "api_key") == 0 ? text_of(identity->claims, "keyId") : NULL;
}

/* ---- what may be asked for ---- */

/* 0, or the status of the refusal. */
static int check_scopes(const struct making *making, const json_t *scopes)
{
    const json_t *scope;
    size_t i;

    json_array_foreach(scopes, i, scope)
    {
        if (!scope_is_held(making->identity, json_string_value(scope)))
            return making->self->host->http->fail(
                making->req, 403, "A key cannot be given the scope '%s', which its maker lacks.",
                json_string_value(scope));
    }
    return 0;
}

/* A key lives as long as is asked for, else as long as it may: a key that another one made ends
 * with that at the latest. */
static int choose_end(struct making *making, const json_t *lives_s)
{
    const struct api_keys *self = making->self;
    const struct ein_http *http = self->host->http;
    int64_t now = clock_wall_ms(), asked = json_integer_value(lives_s) * 1000;
    int64_t last = self->max_life_ms ? now + self->max_life_ms : 0;
    int64_t makers = making->by_key ? integer_of(making->identity->claims, "keyExpires") : 0;

    if (self->max_life_ms && asked > self->max_life_ms)
        return http->fail(making->req, 422, "A key may live for %lld seconds at most.",
                          (long long)(self->max_life_ms / 1000));
    if (makers && asked && now + asked > makers)
        return http->fail(making->req, 403, "A key cannot make one that outlives it.");
    if (makers && (last == 0 || makers < last))
        last = makers;
    making->expires = asked ? now + asked : last;
    return 0;
}

/* ---- making one ---- */

static int make_doc(const struct making *making, json_t **ret_doc, struct ein_error *err)
{
    const json_t *body = making->self->host->http->body(making->req);
    unsigned char hash[KEY_HASH_BYTES];
    char hex[2 * KEY_HASH_BYTES + 1];
    EIN_JSON json_t *doc = NULL;

    key_text_hash(making->text, hash);
    hex_encode(hash, sizeof(hash), hex);
    doc = json_pack("{s:s, s:s, s:O, s:O, s:s, s:I, s:s*}", "_id", making->id, "userId",
                    making->identity->uid, "name", json_object_get(body, "name"), "scopes",
                    json_object_get(body, "scopes"), "hash", hex, "created",
                    (json_int_t)clock_wall_ms(), "madeBy", making->by_key);
    if (!doc ||
        (making->expires && json_object_set_new(doc, "expires", json_integer(making->expires)) < 0))
        return error_no_memory(err);
    int r = limits_read(body, doc, err);
    if (r == 0)
        *ret_doc = EIN_TAKE(doc);
    return r;
}

/* 0, or the status of the refusal.  Whoever makes a key writes the owner's document, so that of
 * two at the same time the second counts again. */
static int check_count(const struct making *making)
{
    const struct api_keys *self = making->self;
    const struct ein_host *host = self->host;
    EIN_JSON json_t *where = json_pack("{s:s, s:n}", "userId", making->identity->uid, "revoked");
    struct ein_error err;
    uint64_t count;

    if (!where)
        return EIN_E_NO_MEMORY;
    if (host->store->tally(self->ctx, KEY_SET, where, &count, &err) < 0)
        return host->http->fail_error(making->req, &err);
    if (count < self->keys_per_user)
        return 0;
    return host->http->fail(making->req, 409,
                            "You have %llu API keys; %u is the most there may be.",
                            (unsigned long long)count, self->keys_per_user);
}

/* EIN_E_CONFLICT: the owner or the key that asks has changed meanwhile. */
static int write_key(const struct making *making, const json_t *owner, const json_t *doc,
                     struct ein_error *err)
{
    const struct api_keys *self = making->self;
    const char *owner_rev = text_of(owner, "_rev");
    EIN_JSON json_t *asker = NULL;
    EIN_JSON json_t *seen =
        making->by_key ? json_incref((json_t *)owner) : key_owner_seen(self, making->identity);
    struct ein_doc_op ops[3] = {
        { .kind = EIN_DOC_PUT,
          .set = OWNER_SET,
          .id = making->identity->uid,
          .expect = owner_rev ? owner_rev : EIN_REV_NEW,
          .doc = seen },
        { .kind = EIN_DOC_PUT,
          .set = KEY_SET,
          .id = making->id,
          .expect = EIN_REV_NEW,
          .doc = doc },
        { .kind = EIN_DOC_CHECK, .set = KEY_SET, .id = making->by_key },
    };

    if (!seen)
        return error_no_memory(err);
    if (making->by_key) {
        int r = self->host->store->get(self->ctx, KEY_SET, making->by_key, &asker, err);
        if (r < 0)
            return r;
        if (integer_of(asker, "revoked"))
            return error_set(err, EIN_E_DENIED, "This API key has been revoked.");
        ops[2].expect = text_of(asker, "_rev");
    }
    return self->host->store->batch(self->ctx, ops, making->by_key ? 3 : 2, sizeof(ops[0]), err);
}

/* 0, EIN_E_CONFLICT, or the status that was replied. */
static int try_making(const struct making *making, const json_t *doc, struct ein_error *err)
{
    const struct ein_http *http = making->self->host->http;
    EIN_JSON json_t *owner = NULL;
    int r = key_owner_load(making->self, making->identity->uid, &owner, err);

    if (r < 0)
        return http->fail_error(making->req, err);
    r = check_count(making);
    if (r)
        return r;
    r = write_key(making, owner, doc, err);
    return r < 0 && r != EIN_E_CONFLICT ? http->fail_error(making->req, err) : r;
}

static int reply_made(const struct making *making, const json_t *doc)
{
    const struct ein_http *http = making->self->host->http;
    json_t *shown = key_show(making->self, doc);

    if (!shown || json_object_set_new(shown, "key", json_string(making->text)) < 0 ||
        http->set_header(making->req, "Cache-Control", "no-store") < 0) {
        json_decref(shown);
        return EIN_E_NO_MEMORY;
    }
    return http->reply(making->req, 201, shown);
}

static int make(struct making *making)
{
    const struct ein_http *http = making->self->host->http;
    EIN_JSON json_t *doc = NULL;
    struct ein_error err;
    int r;

    if (key_text_make(making->text, making->id) < 0)
        return http->fail(making->req, 503, "There are no random numbers to make a key of.");
    r = make_doc(making, &doc, &err);
    if (r < 0)
        return http->fail_error(making->req, &err);
    r = EIN_E_CONFLICT;
    for (int tries = 0; r == EIN_E_CONFLICT && tries < TRIES_MAX; tries++)
        r = try_making(making, doc, &err);
    if (r)
        return r == EIN_E_CONFLICT ? http->fail_error(making->req, &err) : r;
    key_cache_forget(making->self->cache); /* their other keys have what they have now */
    keys_audit(making->self, making->req, "api_key.create", making->id,
               json_pack("{s:O, s:O, s:O*, s:O*, s:O*}", "name", json_object_get(doc, "name"),
                         "scopes", json_object_get(doc, "scopes"), "models",
                         json_object_get(doc, "models"), "budget", json_object_get(doc, "budget"),
                         "rates", json_object_get(doc, "rates")));
    return reply_made(making, doc);
}

int keys_create(struct ein_req *req, void *self)
{
    const struct ein_http *http = ((struct api_keys *)self)->host->http;
    const json_t *body = http->body(req);
    struct making making = { .self = self, .req = req, .identity = http->identity(req) };
    int r;

    making.by_key = calling_key(making.identity);
    r = keys_check_unlimited(self, req);
    if (r == 0)
        r = check_scopes(&making, json_object_get(body, "scopes"));
    if (r == 0)
        r = choose_end(&making, json_object_get(body, "expiresIn"));
    if (r == 0)
        r = make(&making);
    gnutls_memset(making.text, 0, sizeof(making.text));
    return r;
}

/* ---- looking at them ---- */

static void touch_owner(const struct api_keys *self, const struct ein_req *req)
{
    const struct ein_identity *identity = self->host->http->identity(req);

    if (!calling_key(identity))
        key_owner_touch(self, identity);
}

/* NULL: no memory. */
static json_t *show_all(const struct api_keys *self, const json_t *keys, bool with_owner)
{
    EIN_JSON json_t *list = json_array();
    const json_t *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        json_t *shown = key_show(self, key);
        if (json_array_append_new(list, shown) < 0 ||
            (with_owner && copy_member(shown, key, "userId") < 0))
            return NULL;
    }
    return EIN_TAKE(list);
}

/* Not by reply_page(): what is shown of a key asks the store, too. */
static int list(const struct api_keys *self, struct ein_req *req, json_t *take_where,
                bool with_owner)
{
    const struct ein_host *host = self->host;
    EIN_JSON json_t *where = take_where;
    EIN_JSON json_t *found = NULL;
    struct ein_query query = { .struct_size = sizeof(query), .where = where };
    struct ein_error err;
    char *cursor = NULL;

    if (!where)
        return EIN_E_NO_MEMORY;
    page_read(host->http, req, &query);
    int r = find_docs(host, self->ctx, KEY_SET, &query, &found, &cursor, &err);
    if (r < 0)
        return host->http->fail_error(req, &err);
    r = page_link(host->http, req, cursor);
    host->mem_free(cursor);
    json_t *shown = r < 0 ? NULL : show_all(self, found, with_owner);
    return shown ? host->http->reply(req, 200, shown) : EIN_E_NO_MEMORY;
}

int keys_list(struct ein_req *req, void *self)
{
    const struct api_keys *keys = self;

    touch_owner(keys, req);
    return list(keys, req,
                json_pack("{s:s, s:n}", "userId", keys->host->http->identity(req)->uid, "revoked"),
                false);
}

int keys_list_any(struct ein_req *req, void *self)
{
    const struct api_keys *keys = self;
    const json_t *query = keys->host->http->query(req);

    return list(keys, req, json_pack("{s:s*, s:n}", "userId", text_of(query, "user_id"), "revoked"),
                true);
}

int keys_get(struct ein_req *req, void *self)
{
    const struct api_keys *keys = self;
    const struct ein_http *http = keys->host->http;
    EIN_JSON json_t *key = NULL;
    struct ein_error err;

    if (keys_find_own(keys, req, &key, &err) < 0)
        return http->fail_error(req, &err);
    touch_owner(keys, req);
    return key_reply(keys, req, key);
}

int keys_get_calling(struct ein_req *req, void *self)
{
    const struct api_keys *keys = self;
    const struct ein_http *http = keys->host->http;
    const struct ein_identity *identity = http->identity(req);
    const char *id = calling_key(identity);
    EIN_JSON json_t *key = NULL;
    struct ein_error err;

    if (!id)
        return http->fail(req, 404, "This request comes without an API key.");
    if (keys_find(keys, identity->uid, id, &key, &err) < 0)
        return http->fail_error(req, &err);
    return key_reply(keys, req, key);
}
