/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* The configured storage_backend/1, with metrics: what struct ein_store promises.  Each call
 * acquires the backend anew; UNAVAILABLE when there is none.  Any thread. */
struct store;
struct services;
struct metrics;

/* services and metrics (may be NULL) must outlive it. */
int store_new(struct services *services, struct metrics *metrics, struct store **ret_store);
void store_free(struct store *store);

int store_get(struct store *store, const char *set, const char *id, json_t **ret_doc,
              struct ein_error *err);
int store_put(struct store *store, const char *set, const char *id, const char *expect,
              const json_t *doc, char *ret_rev, struct ein_error *err);
int store_del(struct store *store, const char *set, const char *id, const char *expect,
              struct ein_error *err);
int store_batch(struct store *store, struct ein_doc_op *ops, size_t count, size_t stride,
                struct ein_error *err);
int store_find(struct store *store, const char *set, const struct ein_query *query,
               ein_doc_fn *each, void *data, char **ret_cursor, struct ein_error *err);
int store_tally(struct store *store, const char *set, const json_t *where, uint64_t *ret_count,
                struct ein_error *err);
int store_index(struct store *store, const char *set, const char *field, struct ein_error *err);
int store_claim(struct store *store, const char *set, const char *due_field, int64_t now,
                int64_t lease, json_t **ret_doc, struct ein_error *err);
int store_backup(struct store *store, const char *path, struct ein_error *err);
int store_sets(struct store *store, json_t **ret_names, struct ein_error *err);
int store_weigh(struct store *store, const char *set, const json_t *where, uint64_t *ret_bytes,
                struct ein_error *err);
/* What is read from now on is of this moment. */
int store_stand_still(struct store *store, struct ein_error *err);
