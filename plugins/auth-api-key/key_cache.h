/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that have been verified, for a moment.  As many slots as there were at birth; two keys that
 * want the same one take turns. */
#pragma once

#include "key_text.h"
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct key_cache;

struct key_cache *key_cache_new(size_t slots); /* NULL: no memory */
void key_cache_free(struct key_cache *cache);  /* NULL is fine */

/* What the key ID with this hash stands for, if it was put there and has not gone: a new
 * reference.  NULL, and a ticket for key_cache_put(). */
json_t *key_cache_get(struct key_cache *cache, const char *id,
                      const unsigned char hash[KEY_HASH_BYTES], uint64_t *ret_ticket);

/* The claims of the key ID, whatever its hash; NULL: they are not held. */
json_t *key_cache_find(struct key_cache *cache, const char *id);

/* Keeps CLAIMS for `ms`, unless anything was forgotten since the ticket was drawn: what was read
 * before a key was revoked does not come back after it. */
void key_cache_put(struct key_cache *cache, const char *id,
                   const unsigned char hash[KEY_HASH_BYTES], json_t *claims, uint32_t ms,
                   uint64_t ticket);

void key_cache_forget(struct key_cache *cache); /* everything */
