/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "data_store.h"
#include <jansson.h>
#include <pthread.h>

/* What an agent's reads change in the records they read, kept back so that a read costs no
 * write: all of it is written at once. */
struct touches {
    pthread_mutex_t lock;
    json_t *by_id; /* guarded by lock; {record id: {"agent", "at", "count"}} */
};

int touches_init(struct touches *touches);
void touches_done(struct touches *touches);

/* Notes that `agent` has read the record. */
int touches_add(struct touches *touches, const struct data_store *store, const char *id,
                const char *agent, struct ein_error *err);

/* `agent` has written the record since: if it was noted, that is now its last access. */
void touches_renew(struct touches *touches, const char *id, const char *agent);

/* The record is gone. */
void touches_forget(struct touches *touches, const char *id);

/* Writes everything noted so far. */
int touches_write(struct touches *touches, const struct data_store *store, struct ein_error *err);
