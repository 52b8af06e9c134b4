/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "key_cache.h"
#include <einion/services.h>
#include <jansson.h>

#define KEY_SET                                                                                    \
    "api_keys" /* `_id` is the key's; {"userId", "name", "scopes", "hash", "created", "expires"?,  \
                  "lastUsed"?, "revoked"?, "madeBy"?, "models"?, "budget"?, "rates"?}; times in    \
                  ms since the epoch, limits as in key_limits.h */

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

enum {
    USE_STEP_MS = 60000,    /* how exact `lastUsed` is */
    SWEEP_MS = 3600 * 1000, /* how often revoked keys are swept away */
    TRIES_MAX = 10          /* of a write that others get ahead of */
};

/* One instance of the plugin; const after start but for what the cache guards itself. */
struct api_keys {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct key_cache *cache;
    const json_t *site_admins; /* the settings' */
    uint32_t keys_per_user, cache_ms, recheck_ms;
    int64_t max_life_ms;    /* 0: for ever */
    int64_t unconfirmed_ms; /* what the owner was is believed */
    int64_t revoked_ms;     /* a revoked key is remembered */
};

/* auth_provider/1: who holds the key that was sent, or was (verify.c) */
int key_verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err);
int key_still(void *impl, const json_t *claims, struct ein_error *err);

ein_handler keys_create, keys_list, keys_list_any, keys_get, keys_get_calling;
ein_handler keys_update, keys_delete, keys_delete_any, keys_delete_users;
extern const struct ein_erasure keys_erasure; /* revoke.c */
void keys_sweep(void *self);                  /* a timer's */
