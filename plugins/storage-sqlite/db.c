/* SPDX-License-Identifier: Apache-2.0 */
#include "db.h"

#include "error.h"
#include "scan.h"
#include "sqlite.h"

#include <errno.h>
#include <string.h>

/* Clients read these words: they do not say where the file is. */
int db_error(struct db *db, struct ein_error *err)
{
    const char *text = sqlite3_errmsg(db->handle);
    int code = sqlite3_errcode(db->handle), reason = sqlite3_system_errno(db->handle);

    db->full =
        code == SQLITE_FULL || (code == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT));
    if (db->full)
        return error_set(err, EIN_E_UNAVAILABLE, STORE_IS_FULL);
    switch (code) {
    case SQLITE_IOERR:
        return error_set(err, EIN_E_UNAVAILABLE,
                         "The store cannot be read or written: %s (errno %d)", text, reason);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return error_set(err, EIN_E_UNAVAILABLE, "The store cannot be opened for writing: %s",
                         text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, EIN_E_UNAVAILABLE, "The store is locked by another process");
    case SQLITE_CORRUPT:
        db->damaged = true;
        return error_set(err, EIN_E_INTERNAL, "The store is damaged (%s)", text);
    case SQLITE_NOTADB:
        return error_set(err, EIN_E_INVALID,
                         "This is not an einion store: it is not an SQLite file. Move it away, or "
                         "set another path");
    case SQLITE_CONSTRAINT:
        return error_set(err, EIN_E_CONFLICT, "It already exists");
    case SQLITE_NOMEM:
        return error_no_memory(err);
    case SQLITE_TOOBIG:
        return error_set(err, EIN_E_TOO_LARGE, "Too large for SQLite: %s", text);
    }
    return error_set(err, EIN_E_INTERNAL, "The store: %s", text);
}

/* ein_key(body, path): the key of what PATH leads to in the JSON text BODY. */
static void sql_key(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *body = (const char *)sqlite3_value_text(values[0]);
    const char *path = (const char *)sqlite3_value_text(values[1]);
    struct key key;

    (void)count;
    if (!body || !path || scan_key(body, (size_t)sqlite3_value_bytes(values[0]), path, &key) < 0)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_blob64(context, key.data, key.len, free);
}

int db_open(const char *path, int flags, struct db **ret_db, struct ein_error *err)
{
    struct db *db = calloc(1, sizeof(*db));

    if (!db)
        return error_no_memory(err);
    db->path = path;
    if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(db->handle, DB_BUSY_MS) != SQLITE_OK ||
        sqlite3_create_function(db->handle, "ein_key", 2,
                                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                sql_key, NULL, NULL) != SQLITE_OK) {
        int r = db_error(db, err);
        db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < DB_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->handle);
    free(db);
}

static struct db_statement *least_used(struct db *db)
{
    struct db_statement *least = NULL;

    for (size_t i = 0; i < DB_STATEMENTS; i++) {
        struct db_statement *it = &db->statements[i];
        if (it->stmt && sqlite3_stmt_busy(it->stmt))
            continue;
        if (!least || it->used < least->used)
            least = it;
    }
    return least;
}

int db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret_stmt, struct ein_error *err)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++) {
        struct db_statement *it = &db->statements[i];
        if (!it->stmt || strcmp(sqlite3_sql(it->stmt), sql) != 0)
            continue;
        it->used = ++db->clock;
        *ret_stmt = it->stmt;
        return 0;
    }

    struct db_statement *slot = least_used(db);
    sqlite3_finalize(slot->stmt);
    *slot = (struct db_statement){ .used = ++db->clock };
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt, NULL) !=
        SQLITE_OK)
        return db_error(db, err);
    *ret_stmt = slot->stmt;
    return 0;
}

void db_done(sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

int db_step(struct db *db, sqlite3_stmt *stmt, struct ein_error *err)
{
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    }
    return db_error(db, err);
}

int db_run(struct db *db, const char *sql, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = db_prepare(db, sql, &stmt, err);

    return r < 0 ? r : db_step(db, stmt, err);
}

int db_script(struct db *db, const char *sql, struct ein_error *err)
{
    int r = 0;

    while (*sql && r >= 0) {
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, &sql) != SQLITE_OK)
            return db_error(db, err);
        if (!stmt) /* a comment, the end */
            continue;
        while ((r = db_step(db, stmt, err)) > 0)
            ;
        sqlite3_finalize(stmt);
    }
    return r;
}

int db_read_number(struct db *db, const char *sql, int64_t *ret_number, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = db_prepare(db, sql, &stmt, err);

    if (r >= 0)
        r = db_step(db, stmt, err);
    if (r < 0)
        return r;
    *ret_number = r ? sqlite3_column_int64(stmt, 0) : 0;
    return 0;
}
