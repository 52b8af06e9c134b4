/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hash.h"

#include <jansson.h>
#include <pthread.h>

/* What documents said that were read before: an agent's are read at each of its runs.  Any thread.
 */
struct recalled {
    char *text; /* lent to nobody */
    size_t len, bytes;
    uint64_t hash, used;
    json_t *spec;
};

struct recall {
    size_t count_max, bytes_max;
    struct hash_seed seed;
    pthread_mutex_t lock;
    struct recalled *items; /* guarded by lock, as all below */
    size_t count, bytes;
    uint64_t uses;
};

/* 0, NO_MEMORY, or INTERNAL without random bytes; recall_done() in any case. */
int recall_init(struct recall *recall, size_t count_max, size_t bytes_max);
void recall_done(struct recall *recall);

/* What this text said; NULL: nobody remembers. */
json_t *recall_get(struct recall *recall, const char *text, size_t len);
/* Remembers it, `bytes` large in memory, in the place of what was not asked for longest. */
void recall_put(struct recall *recall, const char *text, size_t len, json_t *spec, size_t bytes);
