/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "map.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>

struct memory_doc {
    struct map_entry entry;         /* in set->docs, by id */
    struct memory_doc *prev, *next; /* as created */
    uint64_t seq;
    json_t *json; /* never changed, only replaced: get() lends it out */
    char id[];
};

struct memory_set {
    struct map_entry entry; /* in memory->sets, by name */
    struct map docs;
    struct memory_doc *first, *last;
    char name[];
};

struct memory {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    size_t max_bytes;
    pthread_rwlock_t lock;
    struct map sets;   /* guarded by lock, with all below it */
    uint64_t last_seq; /* guarded by lock */
};

int memory_new(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
               struct memory **ret_memory, struct ein_error *err);
void memory_free(void *memory);

/* NULL if nothing was ever put there. */
struct memory_set *memory_find_set(const struct memory *memory, const char *name);

/* A new revision of MEMBERS, whatever their own `_id` and `_rev` say. */
int memory_revise(const struct memory *memory, const json_t *members, const char *id,
                  const char *old_rev, json_t **ret_json, struct ein_error *err);

/* storage_backend/1 */
int memory_get(void *impl, const char *set, const char *id, json_t **ret_doc,
               struct ein_error *err);
int memory_batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err);
int memory_find(void *impl, const char *set, const struct ein_query *from, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err);
int memory_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                 struct ein_error *err);
int memory_weigh(void *impl, const char *set, const json_t *where, uint64_t *ret_bytes,
                 struct ein_error *err);
int memory_sets(void *impl, json_t **ret_names, struct ein_error *err);
int memory_index(void *impl, const char *set, const char *field, struct ein_error *err);
int memory_claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                 json_t **ret_doc, struct ein_error *err);
