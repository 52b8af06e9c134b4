/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ring.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#define VAULT_SET "vault"

enum { VAULT_NAME_MAX = 400, VAULT_SECRET_MAX = 64 << 10 /* bytes */ };

struct vault {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *key_file; /* a setting, lent; NULL: the keys are the environment's */
    uint32_t check_ms;
    atomic_bool started; /* the store is this server's to write */

    pthread_rwlock_t lock;
    struct ring *ring; /* guarded by lock; NULL before it was first needed */
    struct stat seen;  /* guarded by lock; the file that `ring` was read from */

    pthread_mutex_t rotating; /* one thread does it */
    bool unwell;              /* vault_tick() alone: the reason has been said */
};

/* vault.c: the keys at hand. */

/* Reads the keys where that has not been done, or they have changed.  NOT_FOUND: no file yet. */
int vault_load(struct vault *vault, struct ein_error *err);
/* From start(): makes the first key where nothing has been sealed, refuses where keys are gone. */
int vault_begin(struct vault *vault, struct ein_error *err);
/* A copy of the key to seal with, or to open what key ID has sealed; wiped by the caller.
 * NOT_FOUND: no key has that id. */
int vault_key(struct vault *vault, const char *id, struct ring_key *ret_key);
size_t vault_key_count(struct vault *vault);

/* secrets.c: vault/1 */
int vault_put(void *impl, const char *name, const char *secret, struct ein_error *err);
int vault_get(void *impl, const char *name, char **ret_secret, struct ein_error *err);
int vault_del(void *impl, const char *name, struct ein_error *err);
void vault_wipe(void *impl, char *take_secret);
int vault_open(struct vault *vault, const char *name, json_t **ret_doc, char **ret_secret,
               struct ein_error *err);

/* rotate.c */
int vault_rotate(void *impl, uint64_t *ret_count, struct ein_error *err);
/* Seals with the first key what others have sealed, then drops the others. */
int vault_finish_rotation(struct vault *vault, uint64_t *ret_count, struct ein_error *err);
void vault_tick(void *data);
