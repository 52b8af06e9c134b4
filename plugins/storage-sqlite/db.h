/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: prepared statements by their text, and SQLite's errors in ours. */
#pragma once

#include "cleanup.h"

#include <einion/plugin.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { DB_STATEMENTS = 48, DB_BUSY_MS = 5000 };

struct db { /* used by one thread at a time */
    sqlite3 *handle;
    const char *path; /* lent */
    struct db_statement {
        sqlite3_stmt *stmt;
        uint64_t used;
    } statements[DB_STATEMENTS];
    uint64_t clock;
    bool damaged; /* once was enough */
    bool full;    /* what went wrong last is that the disk, or max_mib, is full */
};

int db_open(const char *path, int flags, struct db **ret_db, struct ein_error *err);
void db_close(struct db *db);

/* A statement ready to be bound: give it back with db_done() (or EIN_STMT). */
int db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret_stmt, struct ein_error *err);
void db_done(sqlite3_stmt *stmt);

static inline void cleanup_stmt(sqlite3_stmt **stmt)
{
    if (*stmt)
        db_done(*stmt);
}
#define EIN_STMT __attribute__((cleanup(cleanup_stmt)))

/* 1: a row, 0: the end, or an error. */
int db_step(struct db *db, sqlite3_stmt *stmt, struct ein_error *err);
/* One statement without parameters or results. */
int db_run(struct db *db, const char *sql, struct ein_error *err);
/* Several statements. */
int db_script(struct db *db, const char *sql, struct ein_error *err);
int db_read_number(struct db *db, const char *sql, int64_t *ret_number, struct ein_error *err);

/* What went wrong last, in words. */
int db_error(struct db *db, struct ein_error *err);
