/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "db.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum { INDEXES_MAX = 32 }; /* of one set */

#define STORE_IS_FULL "The store cannot grow: the disk, or the size allowed to it, is full"

struct writer;
struct reserve;
struct readers;
struct cache;
struct catalog;

struct sqlite {
    const struct ein_host *host;
    struct ein_ctx *ctx;

    const char *wanted_path; /* the settings, lent */
    const char *check;
    int reader_count, queue_max;
    size_t max_bytes, find_bytes, cache_bytes;
    int64_t check_ms, max_mib, reserve_bytes;

    /* Between sqlite_open() and sqlite_close(), or since something was read before start(): */
    bool open;
    bool looking; /* guarded by look_lock until start(); only what reads is there */
    pthread_mutex_t look_lock;
    char *path; /* absolute, links resolved */
    struct file_id {
        dev_t device;
        ino_t number; /* 0: not known yet */
    } file, wal;
    atomic_bool damaged; /* found while it was used */
    int owner_fd;
    struct reserve *reserve; /* the writer's, once there is one */
    struct writer *writer;
    struct readers *readers;
    struct cache *cache;
    struct catalog *catalog;
};

/* In the header of SQLite's files: whether a WAL is used.  2 in every store that has been opened.
 */
enum { FILE_JOURNAL_AT = 18 };
#define FILE_WITHOUT_WAL "\1\1"

/* file.c: takes possession of the file, checks and migrates it. */
int file_own(struct sqlite *store, struct ein_error *err);
/* Whether it could, and where, in a line; nothing is made. */
int file_check(void *store, ein_say *say, void *data, struct ein_error *err);
int file_open(struct sqlite *store, struct db **ret_db, struct ein_error *err);
/* UNAVAILABLE where PATH, or its WAL, leads to another file than the one that is open: what would
 * be written there is lost at the next start. */
int file_check_place(struct sqlite *store, struct ein_error *err);
/* To read what another process may have open, without possession. */
int file_look(const struct sqlite *store, struct db **ret_db, struct ein_error *err);
/* All is on disk and checkpointed: the next start need not check. */
int file_close(struct db *db, struct ein_error *err);
void file_disown(struct sqlite *store);

/* store.c: from start() to fini(). */
int sqlite_open(struct sqlite *store, struct ein_error *err);
void sqlite_close(struct sqlite *store); /* also one that is half open, or not */
/* What /readyz and the log say. */
void sqlite_note_damage(struct sqlite *store);
void sqlite_say_well(struct sqlite *store);
/* UNAVAILABLE unless the store is open. */
int sqlite_check_open(const struct sqlite *store, struct ein_error *err);
/* The same for what only reads: before start() it reads what another process may have open. */
int sqlite_check_readable(struct sqlite *store, struct ein_error *err);

/* storage_backend/1 */
int sqlite_get(void *impl, const char *set, const char *id, json_t **ret_doc,
               struct ein_error *err);
int sqlite_batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err);
int sqlite_find(void *impl, const char *set, const struct ein_query *from, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err);
int sqlite_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                 struct ein_error *err);
int sqlite_index(void *impl, const char *set, const char *field, struct ein_error *err);
int sqlite_claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                 json_t **ret_doc, struct ein_error *err);
int sqlite_weigh(void *impl, const char *set, const json_t *where, uint64_t *ret_bytes,
                 struct ein_error *err);
int sqlite_sets(void *impl, json_t **ret_names, struct ein_error *err);
int sqlite_backup(void *impl, const char *path, struct ein_error *err);
int sqlite_stand_still(void *impl, struct ein_error *err);
