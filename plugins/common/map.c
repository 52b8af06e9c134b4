/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <einion/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SLOTS_AT_FIRST = 16 };

int map_init(struct map *map)
{
    *map = (struct map){ 0 };
    if (getrandom(&map->seed, sizeof(map->seed), 0) != sizeof(map->seed))
        return EIN_E_INTERNAL;
    return 0;
}

void map_done(struct map *map, void (*drop)(struct map_entry *entry))
{
    for (size_t i = 0; drop && i < map->slot_count; i++) {
        struct map_entry *next;
        for (struct map_entry *entry = map->slots[i]; entry; entry = next) {
            next = entry->next;
            drop(entry);
        }
    }
    free(map->slots);
    *map = (struct map){ 0 };
}

static struct map_entry **slot_of(const struct map *map, uint64_t hash)
{
    return &map->slots[hash & (map->slot_count - 1)];
}

struct map_entry *map_find(const struct map *map, const char *key, size_t key_len)
{
    if (!map->count)
        return NULL;

    uint64_t hash = hash_sip(&map->seed, key, key_len);
    struct map_entry *entry = *slot_of(map, hash);
    while (entry && (entry->hash != hash || entry->key_len != key_len ||
                     memcmp(entry->key, key, key_len) != 0))
        entry = entry->next;
    return entry;
}

static void link_in(const struct map *map, struct map_entry *entry)
{
    struct map_entry **slot = slot_of(map, entry->hash);

    entry->next = *slot;
    *slot = entry;
}

static int grow(struct map *map)
{
    struct map grown = *map;

    grown.slot_count = map->slot_count ? map->slot_count * 2 : SLOTS_AT_FIRST;
    grown.slots = calloc(grown.slot_count, sizeof(struct map_entry *));
    if (!grown.slots)
        return EIN_E_NO_MEMORY;

    for (size_t i = 0; i < map->slot_count; i++) {
        struct map_entry *next;
        for (struct map_entry *entry = map->slots[i]; entry; entry = next) {
            next = entry->next;
            link_in(&grown, entry);
        }
    }
    free(map->slots);
    *map = grown;
    return 0;
}

int map_add(struct map *map, struct map_entry *entry)
{
    if (map->count == map->slot_count && grow(map) < 0)
        return EIN_E_NO_MEMORY;
    entry->hash = hash_sip(&map->seed, entry->key, entry->key_len);
    link_in(map, entry);
    map->count++;
    return 0;
}

void map_remove(struct map *map, struct map_entry *entry)
{
    struct map_entry **link = slot_of(map, entry->hash);

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    map->count--;
}
