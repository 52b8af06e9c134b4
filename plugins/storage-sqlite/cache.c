/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include "cleanup.h"
#include "document.h"
#include "hash.h"
#include "json_memory.h"
#include "list.h"
#include "map.h"

#include <string.h>
#include <sys/random.h>

enum {
    SHARDS = 16, /* a power of two */
    KEY_SIZE = DOC_SET_MAX + 1 + DOC_ID_MAX + 1,
    SHARE_OF_ONE = 4, /* a document above a quarter of its shard is not kept */
    BYTES_PER_ENTRY = 256
};

struct entry {
    struct map_entry in_map;
    struct list by_use; /* unless held */
    struct entry *next_held;
    json_t *doc; /* NULL: held */
    size_t bytes;
    char key[];
};

struct shard {
    pthread_mutex_t lock;
    struct map map;     /* guarded by lock */
    struct list by_use; /* guarded by lock; the one used longest ago first */
    size_t bytes;       /* guarded by lock */
    uint64_t changes;   /* guarded by lock */
};

struct cache {
    size_t shard_max; /* bytes */
    struct hash_seed seed;
    struct entry *held; /* the writer's */
    struct shard shards[SHARDS];
};

struct name {
    char text[KEY_SIZE];
    size_t len;
};

static bool make_name(const char *set, const char *id, struct name *name)
{
    size_t set_len = strnlen(set, DOC_SET_MAX + 1), id_len = strnlen(id, DOC_ID_MAX + 1);

    if (set_len > DOC_SET_MAX || id_len > DOC_ID_MAX)
        return false;
    memcpy(name->text, set, set_len);
    name->text[set_len] = '/';
    memcpy(name->text + set_len + 1, id, id_len);
    name->len = set_len + 1 + id_len;
    return true;
}

static struct shard *shard_of(struct cache *cache, const struct name *name)
{
    return &cache->shards[hash_sip(&cache->seed, name->text, name->len) % SHARDS];
}

static struct entry *find(const struct shard *shard, const struct name *name)
{
    return (struct entry *)map_find(&shard->map, name->text, name->len);
}

static void drop(struct shard *shard, struct entry *entry)
{
    map_remove(&shard->map, &entry->in_map);
    if (entry->doc) {
        list_remove(&entry->by_use);
        shard->bytes -= entry->bytes;
        json_decref(entry->doc);
    }
    free(entry);
}

static struct entry *add(struct shard *shard, const struct name *name)
{
    struct entry *entry = calloc(1, sizeof(*entry) + name->len);

    if (!entry)
        return NULL;
    memcpy(entry->key, name->text, name->len);
    entry->in_map.key = entry->key;
    entry->in_map.key_len = name->len;
    if (map_add(&shard->map, &entry->in_map) < 0) {
        free(entry);
        return NULL;
    }
    return entry;
}

/* ---- the cache ---- */

struct cache *cache_new(size_t max_bytes)
{
    struct cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->shard_max = max_bytes / SHARDS;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&cache->shards[i].lock, NULL);
        list_init(&cache->shards[i].by_use);
    }
    bool ready = getrandom(&cache->seed, sizeof(cache->seed), 0) == sizeof(cache->seed);
    for (size_t i = 0; i < SHARDS; i++)
        ready = map_init(&cache->shards[i].map) == 0 && ready;
    if (!ready) {
        cache_free(cache);
        return NULL;
    }
    return cache;
}

static void drop_entry(struct map_entry *in_map)
{
    struct entry *entry = (struct entry *)in_map;

    json_decref(entry->doc);
    free(entry);
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        map_done(&cache->shards[i].map, drop_entry);
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache);
}

json_t *cache_get(struct cache *cache, const char *set, const char *id, uint64_t *ret_ticket)
{
    struct name name;
    json_t *doc = NULL;

    *ret_ticket = 0;
    if (!make_name(set, id, &name))
        return NULL;

    struct shard *shard = shard_of(cache, &name);
    EIN_LOCKED(&shard->lock);
    struct entry *entry = find(shard, &name);
    if (entry && entry->doc) {
        doc = json_incref(entry->doc);
        list_remove(&entry->by_use);
        list_append(&shard->by_use, &entry->by_use);
    }
    *ret_ticket = shard->changes;
    return doc;
}

void cache_put(struct cache *cache, const char *set, const char *id, json_t *doc, uint64_t ticket)
{
    size_t bytes = BYTES_PER_ENTRY + json_memory(doc);
    struct name name;

    if (bytes > cache->shard_max / SHARE_OF_ONE || !make_name(set, id, &name))
        return;

    struct shard *shard = shard_of(cache, &name);
    EIN_LOCKED(&shard->lock);
    if (shard->changes != ticket || find(shard, &name))
        return;
    struct entry *entry = add(shard, &name);
    if (!entry)
        return;
    entry->doc = json_incref(doc);
    entry->bytes = bytes;
    shard->bytes += bytes;
    list_append(&shard->by_use, &entry->by_use);
    while (shard->bytes > cache->shard_max)
        drop(shard, list_entry(shard->by_use.next, struct entry, by_use));
}

int cache_hold(struct cache *cache, const char *set, const char *id)
{
    struct name name;

    if (!make_name(set, id, &name))
        return EIN_E_INVALID;

    struct shard *shard = shard_of(cache, &name);
    EIN_LOCKED(&shard->lock);
    struct entry *entry = find(shard, &name);
    if (entry && !entry->doc)
        return 0;
    if (entry)
        drop(shard, entry);
    shard->changes++;
    entry = add(shard, &name);
    if (!entry)
        return EIN_E_NO_MEMORY;
    entry->next_held = cache->held;
    cache->held = entry;
    return 0;
}

void cache_let_go(struct cache *cache)
{
    while (cache->held) {
        struct entry *entry = cache->held;
        struct name name = { .len = entry->in_map.key_len };
        memcpy(name.text, entry->key, name.len);
        struct shard *shard = shard_of(cache, &name);

        cache->held = entry->next_held;
        EIN_LOCKED(&shard->lock);
        shard->changes++;
        drop(shard, entry);
    }
}
