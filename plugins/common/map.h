/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of things that carry their own entry. */
#pragma once

#include "hash.h"

#include <stddef.h>

struct map_entry { /* first member of what is kept */
    struct map_entry *next;
    uint64_t hash;
    const char *key; /* lives as long as the entry is in the map */
    size_t key_len;
};

struct map {
    struct map_entry **slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
    struct hash_seed seed;
};

/* 0, or EIN_E_INTERNAL without random bytes. */
int map_init(struct map *map);
/* Frees the table; each entry is handed to `drop` (may be NULL). */
void map_done(struct map *map, void (*drop)(struct map_entry *entry));

struct map_entry *map_find(const struct map *map, const char *key, size_t key_len);
/* `key` and `key_len` are set, and not in the map.  0 or EIN_E_NO_MEMORY. */
int map_add(struct map *map, struct map_entry *entry);
void map_remove(struct map *map, struct map_entry *entry);
