/* SPDX-License-Identifier: Apache-2.0 */
#include "key_cache.h"

#include "cleanup.h"
#include "clock.h"
#include "hash.h"
#include <gnutls/gnutls.h>
#include <string.h>

struct slot {
    char id[KEY_ID_SIZE];
    unsigned char hash[KEY_HASH_BYTES];
    json_t *claims; /* NULL: empty */
    int64_t until;
    uint64_t ticket;
};

struct key_cache {
    pthread_mutex_t lock;
    uint64_t ticket; /* guarded by lock; another one each time that all is forgotten */
    size_t count;
    struct slot slots[]; /* guarded by lock */
};

struct key_cache *key_cache_new(size_t slots)
{
    struct key_cache *cache = calloc(1, sizeof(*cache) + slots * sizeof(struct slot));

    if (!cache)
        return NULL;
    (void)pthread_mutex_init(&cache->lock, NULL);
    cache->count = slots;
    return cache;
}

void key_cache_free(struct key_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->count; i++)
        json_decref(cache->slots[i].claims);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Ids are random, and only those of keys that exist come here: nobody can choose them to meet. */
static struct slot *slot_of(struct key_cache *cache, const char *id)
{
    return &cache->slots[hash_fnv(HASH_FNV_START, id, KEY_ID_LEN) % cache->count];
}

/* With the lock held. */
static bool holds(const struct key_cache *cache, const struct slot *slot, const char *id)
{
    return slot->claims && slot->ticket == cache->ticket && slot->until > clock_mono_ms() &&
           strcmp(slot->id, id) == 0;
}

json_t *key_cache_get(struct key_cache *cache, const char *id,
                      const unsigned char hash[KEY_HASH_BYTES], uint64_t *ret_ticket)
{
    const struct slot *slot = slot_of(cache, id);
    EIN_LOCKED(&cache->lock);

    *ret_ticket = cache->ticket;
    if (!holds(cache, slot, id) || gnutls_memcmp(slot->hash, hash, KEY_HASH_BYTES) != 0)
        return NULL;
    return json_incref(slot->claims);
}

json_t *key_cache_find(struct key_cache *cache, const char *id)
{
    if (strlen(id) != KEY_ID_LEN)
        return NULL;
    const struct slot *slot = slot_of(cache, id);
    EIN_LOCKED(&cache->lock);

    return holds(cache, slot, id) ? json_incref(slot->claims) : NULL;
}

void key_cache_put(struct key_cache *cache, const char *id,
                   const unsigned char hash[KEY_HASH_BYTES], json_t *claims, uint32_t ms,
                   uint64_t ticket)
{
    struct slot *slot = slot_of(cache, id);
    int64_t until = clock_mono_ms() + ms;
    EIN_JSON json_t *old = NULL; /* freed after the lock is */
    EIN_LOCKED(&cache->lock);

    old = slot->claims;
    *slot = (struct slot){ .claims = json_incref(claims), .until = until, .ticket = ticket };
    memcpy(slot->id, id, KEY_ID_SIZE);
    memcpy(slot->hash, hash, KEY_HASH_BYTES);
}

void key_cache_forget(struct key_cache *cache)
{
    EIN_LOCKED(&cache->lock);

    cache->ticket++;
}
