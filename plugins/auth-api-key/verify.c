/* SPDX-License-Identifier: Apache-2.0 */
#include "api_keys.h"
#include "bearer.h"
#include "cleanup.h"
#include "error.h"
#include "hex.h"
#include "key_doc.h"
#include "key_owner.h"
#include <gnutls/gnutls.h>
#include <stdio.h>

static const struct refusal {
    const char *reason, *text;
} unknown = { "key_unknown", "This API key is not known." },
  expired = { "key_expired", "This API key has expired." },
  revoked = { "key_revoked", "This API key has been revoked." },
  locked = { "key_revoked", "The owner of this API key may not log in any more." };

static int refuse(const struct api_keys *self, struct ein_req *req, const struct refusal *why,
                  struct ein_error *err)
{
    if (bearer_refuse(self->host->http, req, why->reason) < 0)
        return error_no_memory(err);
    return error_set(err, EIN_E_DENIED, "%s", why->text);
}

static bool is_expired(const json_t *doc, const char *member)
{
    int64_t expires = integer_of(doc, member);

    return expires != 0 && expires <= clock_wall_ms();
}

static bool hash_is(const json_t *key, const unsigned char hash[KEY_HASH_BYTES])
{
    unsigned char kept[KEY_HASH_BYTES];

    return hex_decode(text_of(key, "hash"), kept, sizeof(kept)) &&
           gnutls_memcmp(kept, hash, sizeof(kept)) == 0;
}

/* ---- when a key was last used ---- */

struct use {
    const struct api_keys *self;
    char id[KEY_ID_SIZE];
};

static void write_use(void *data)
{
    const struct use *use = data;
    EIN_JSON json_t *doc = json_pack("{s:I}", "lastUsed", (json_int_t)clock_wall_ms());
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE, .set = KEY_SET, .id = use->id, .doc = doc };

    if (doc) /* it may have been swept away meanwhile */
        (void)use->self->host->store->batch(use->self->ctx, &op, 1, sizeof(op), NULL);
}

/* Later, and once a minute at most: a request is not to wait for the disk because of it. */
static void note_use(const struct api_keys *self, const json_t *key)
{
    struct use *use;

    if (integer_of(key, "lastUsed") > clock_wall_ms() - USE_STEP_MS)
        return;
    use = calloc(1, sizeof(*use));
    if (!use)
        return;
    use->self = self;
    (void)snprintf(use->id, sizeof(use->id), "%s", text_of(key, "_id"));
    (void)self->host->submit(self->ctx, write_use, free, use);
}

/* ---- who holds it ---- */

/* *ret_claims, or *ret_why there are none. */
static int judge(struct api_keys *self, const json_t *key, json_t **ret_claims,
                 const struct refusal **ret_why, struct ein_error *err)
{
    EIN_JSON json_t *owner = NULL;
    int r = key_owner_load(self, text_of(key, "userId"), &owner, err);

    if (r < 0)
        return r;
    *ret_why = integer_of(key, "revoked") ? &revoked : is_expired(key, "expires") ? &expired : NULL;
    if (*ret_why)
        return 0;
    key_owner_recheck(self, owner);
    if (key_owner_is_locked(owner)) {
        *ret_why = &locked;
        return 0;
    }
    *ret_claims = key_owner_claims(self, key, owner);
    return *ret_claims ? 0 : error_no_memory(err);
}

/* The claims of the key ID from the store; what is wrong with it is told only to who has it. */
static int look_up(struct api_keys *self, struct ein_req *req, const char *id,
                   const unsigned char hash[KEY_HASH_BYTES], json_t **ret_claims,
                   struct ein_error *err)
{
    EIN_JSON json_t *key = NULL;
    const struct refusal *why = NULL;
    int r = self->host->store->get(self->ctx, KEY_SET, id, &key, err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    if (r < 0 || !hash_is(key, hash))
        return refuse(self, req, &unknown, err);
    r = judge(self, key, ret_claims, &why, err);
    if (r < 0 || why)
        return why ? refuse(self, req, why, err) : r;
    note_use(self, key);
    return 0;
}

int key_still(void *impl, const json_t *claims, struct ein_error *err)
{
    struct api_keys *self = impl;
    const char *id = text_of(claims, "keyId");
    const struct refusal *why = &unknown;
    EIN_JSON json_t *key = NULL;
    EIN_JSON json_t *today = NULL;

    if (!id)
        return EIN_AUTH_DEFER;
    int r = self->host->store->get(self->ctx, KEY_SET, id, &key, err);

    if (r == 0)
        r = judge(self, key, &today, &why, err);
    if (r == EIN_E_NOT_FOUND || (r == 0 && why))
        return error_set(err, EIN_E_DENIED, "%s", why->text);
    return r;
}

int key_verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    struct api_keys *self = impl;
    const char *text = bearer_api_key(self->host->http, req);
    unsigned char hash[KEY_HASH_BYTES];
    char id[KEY_ID_SIZE];
    EIN_JSON json_t *claims = NULL;
    uint64_t ticket;
    int r;

    if (!text)
        return EIN_AUTH_DEFER;
    if (!key_text_parse(text, id))
        return refuse(self, req, &unknown, err);
    key_text_hash(text, hash);
    claims = key_cache_get(self->cache, id, hash, &ticket);
    if (claims && is_expired(claims, "keyExpires"))
        return refuse(self, req, &expired, err);
    if (!claims) {
        r = look_up(self, req, id, hash, &claims, err);
        if (r < 0)
            return r;
        key_cache_put(self->cache, id, hash, claims, self->cache_ms, ticket);
    }
    *ret_claims = EIN_TAKE(claims);
    return 0;
}
