/* SPDX-License-Identifier: Apache-2.0 */
#include "api_keys.h"
#include "cleanup.h"
#include "erase.h"
#include "error.h"
#include "http_json.h"
#include "key_doc.h"
#include "key_owner.h"

/* Adds the ids of the keys in KEYS that one of IDS has made, until there are no more. */
static int add_descendants(const json_t *keys, json_t *ids)
{
    const json_t *key;
    size_t before, i;

    do {
        before = json_object_size(ids);
        json_array_foreach(keys, i, key)
        {
            const char *maker = text_of(key, "madeBy");

            if (maker && json_object_get(ids, maker) &&
                json_object_set_new(ids, text_of(key, "_id"), json_true()) < 0)
                return EIN_E_NO_MEMORY;
        }
    } while (json_object_size(ids) > before);
    return 0;
}

/* The key ID and all that it has made, or, ID being NULL, all of UID's, as an object with their
 * ids. */
static int find_family(const struct api_keys *self, const char *uid, const char *id,
                       json_t **ret_ids, struct ein_error *err)
{
    EIN_JSON json_t *where = json_pack("{s:s, s:n}", "userId", uid, "revoked");
    EIN_JSON json_t *keys = NULL;
    EIN_JSON json_t *ids = id ? json_pack("{s:b}", id, 1) : json_object();
    const json_t *key;
    size_t i;
    const struct ein_query query = { .struct_size = sizeof(query), .where = where };
    int r;

    if (!where || !ids)
        return error_no_memory(err);
    r = find_docs(self->host, self->ctx, KEY_SET, &query, &keys, NULL, err);
    if (r < 0)
        return r;
    json_array_foreach(keys, i, key)
    {
        if (!id && json_object_set_new(ids, text_of(key, "_id"), json_true()) < 0)
            return error_no_memory(err);
    }
    if (add_descendants(keys, ids) < 0)
        return error_no_memory(err);
    *ret_ids = EIN_TAKE(ids);
    return 0;
}

/* All of them or none, unless a key was made since the owner's document had the revision EXPECT. */
static int revoke_all(const struct api_keys *self, const char *uid, const char *expect,
                      const json_t *ids, struct ein_error *err)
{
    EIN_FREE struct ein_doc_op *ops = calloc(json_object_size(ids) + 1, sizeof(*ops));
    EIN_JSON json_t *doc = json_pack("{s:I}", "revoked", (json_int_t)clock_wall_ms());
    size_t count = 0;
    const char *id;
    json_t *value;

    if (!ops || !doc)
        return error_no_memory(err);
    ops[count++] = (struct ein_doc_op){
        .kind = EIN_DOC_CHECK, .set = OWNER_SET, .id = uid, .expect = expect ? expect : EIN_REV_NEW
    };
    json_object_foreach((json_t *)ids, id, value)
    {
        ops[count++] =
            (struct ein_doc_op){ .kind = EIN_DOC_UPDATE, .set = KEY_SET, .id = id, .doc = doc };
    }
    return self->host->store->batch(self->ctx, ops, count, sizeof(*ops), err);
}

static void audit_all(const struct api_keys *self, const struct ein_req *req, const json_t *ids)
{
    const char *id;
    json_t *value;

    json_object_foreach((json_t *)ids, id, value) keys_audit(self, req, "api_key.revoke", id, NULL);
}

/* UID's key ID and its family, or all of UID's.  EIN_E_CONFLICT: a key was made meanwhile, perhaps
 * by one that is to go. */
static int revoke_family(const struct api_keys *self, const struct ein_req *req, const char *uid,
                         const char *id, size_t *ret_count, struct ein_error *err)
{
    EIN_JSON json_t *owner = NULL;
    EIN_JSON json_t *ids = NULL;
    int r = key_owner_load(self, uid, &owner, err);

    if (r >= 0)
        r = find_family(self, uid, id, &ids, err);
    *ret_count = r < 0 ? 0 : json_object_size(ids);
    if (r >= 0 && *ret_count > 0)
        r = revoke_all(self, uid, text_of(owner, "_rev"), ids, err);
    if (r == EIN_E_NOT_FOUND)
        return EIN_E_CONFLICT;
    if (r < 0)
        return r;
    key_cache_forget(self->cache);
    audit_all(self, req, ids);
    return 0;
}

/* The key of UID, or whoever's. */
static int try_revoking(const struct api_keys *self, struct ein_req *req, const char *uid,
                        struct ein_error *err)
{
    const struct ein_http *http = self->host->http;
    const char *id = http->path_param(req, "key_id");
    EIN_JSON json_t *key = NULL;
    size_t count;
    int r = keys_find(self, uid, id, &key, err);

    if (r == EIN_E_NOT_FOUND)
        return http->fail(req, 404, "Document '%s' not found for deletion.", id);
    if (r >= 0)
        r = revoke_family(self, req, text_of(key, "userId"), id, &count, err);
    if (r == EIN_E_CONFLICT)
        return r;
    return r < 0 ? http->fail_error(req, err) : http->reply(req, 204, NULL);
}

/* All keys of a user: somebody has left. */
static int revoke_users(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct api_keys *keys = self;
    const struct ein_http *http = keys->host->http;
    size_t count;
    int r = revoke_family(keys, req, http->path_param(req, "user_id"), NULL, &count, err);

    if (r == EIN_E_CONFLICT)
        return r;
    return r < 0 ? http->fail_error(req, err)
                 : http->reply(req, 200, json_pack("{s:I}", "revokedCount", (json_int_t)count));
}

static int revoke_own(struct ein_req *req, void *self, struct ein_error *err)
{
    const struct api_keys *keys = self;

    return try_revoking(keys, req, keys->host->http->identity(req)->uid, err);
}

static int revoke_any(struct ein_req *req, void *self, struct ein_error *err)
{
    return try_revoking(self, req, NULL, err);
}

int keys_delete(struct ein_req *req, void *self)
{
    return change_until_done(((struct api_keys *)self)->host->http, req, self, revoke_own);
}

int keys_delete_any(struct ein_req *req, void *self)
{
    return change_until_done(((struct api_keys *)self)->host->http, req, self, revoke_any);
}

int keys_delete_users(struct ein_req *req, void *self)
{
    return change_until_done(((struct api_keys *)self)->host->http, req, self, revoke_users);
}

/* ---- forgetting ---- */

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct api_keys *keys = impl;
    const struct ein_host *host = keys->host;
    int r;

    *ret_count = 0;
    r = erase_docs(host, keys->ctx, KEY_SET, "userId", uid, ret_count, err);
    key_cache_forget(keys->cache);
    if (r >= 0)
        r = host->store->del(keys->ctx, OWNER_SET, uid, EIN_REV_ANY, err);
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

const struct ein_erasure keys_erasure = { .struct_size = sizeof(keys_erasure), .erase = erase };

/* ---- keys that were revoked long ago ---- */

void keys_sweep(void *self)
{
    const struct api_keys *keys = self;

    sweep_docs(keys->host, keys->ctx, KEY_SET,
               json_pack("{s:{s:I, s:I}}", "revoked", "$gt", (json_int_t)0, "$lt",
                         (json_int_t)(clock_wall_ms() - keys->revoked_ms)));
}
