/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"
#include "catalog.h"
#include "document.h"
#include "documents.h"
#include "error.h"
#include "hits.h"
#include "readers.h"
#include "scan.h"
#include "sql_query.h"

#include <stdio.h>
#include <string.h>

enum { TABLE_MAX = DOC_SET_MAX + 16 };

static int bind_all(sqlite3_stmt *stmt, const struct sql *sql, struct ein_error *err)
{
    for (size_t i = 0; i < sql->bind_count; i++) {
        const struct sql_bind *bind = &sql->binds[i];
        int column = (int)i + 1, r;
        if (bind->type == SQL_NUMBER)
            r = sqlite3_bind_int64(stmt, column, bind->number);
        else if (bind->type == SQL_TEXT)
            r = sqlite3_bind_text64(stmt, column, bind->data, bind->len, SQLITE_STATIC,
                                    SQLITE_UTF8);
        else
            r = sqlite3_bind_blob64(stmt, column, bind->data, bind->len, SQLITE_STATIC);
        if (r != SQLITE_OK)
            return error_no_memory(err);
    }
    return 0;
}

/* In order, SQL's rows are first chosen and then read: what is sorted would be all the texts else,
 * and keys that are in an index would be looked for behind them.  The CROSS JOIN keeps the order.
 */
static int read_chosen(struct sql *sql, const char *columns, const char *table,
                       struct ein_error *err)
{
    EIN_FREE char *chosen = EIN_TAKE(sql->text);

    if (asprintf(&sql->text, "SELECT %s FROM (%s) AS chosen CROSS JOIN %s USING(seq)", columns,
                 chosen, table) >= 0)
        return 0;
    sql->text = NULL;
    return error_no_memory(err);
}

/* Prepares and binds SELECT COLUMNS for QUERY, in order unless they are counted.  *ret_sql is
 * for sql_done(), after the statement. */
static int prepare(struct db *db, const char *columns, const char *set, const json_t *indexes,
                   const struct query *query, bool ordered, struct sql *ret_sql,
                   sqlite3_stmt **ret_stmt, struct ein_error *err)
{
    char table[TABLE_MAX];
    const struct sql_of of = {
        .columns = ordered ? "seq" : columns, .table = table, .keys = indexes, .ordered = ordered
    };
    int r;

    sqlite3_snprintf(sizeof(table), table, "\"set_%w\"", set);
    r = sql_query(&of, query, ret_sql, err);
    if (r >= 0 && ordered)
        r = read_chosen(ret_sql, columns, table, err);
    if (r >= 0)
        r = db_prepare(db, ret_sql->text, ret_stmt, err);
    return r < 0 ? r : bind_all(*ret_stmt, ret_sql, err);
}

/* A document that is known under the row's revision need not be read, and parsed, again. */
static int read_hit(struct sqlite *store, const char *set, const struct query *query,
                    sqlite3_stmt *stmt, json_t **ret_doc, size_t *ret_bytes, struct ein_error *err)
{
    const char *id = (const char *)sqlite3_column_text(stmt, 1);
    const char *rev = (const char *)sqlite3_column_text(stmt, 2);
    uint64_t ticket;
    EIN_JSON json_t *known = cache_get(store->cache, set, id, &ticket);

    if (known && strcmp(doc_rev(known), rev) == 0) {
        *ret_doc = EIN_TAKE(known);
        *ret_bytes = 0;
        return 0;
    }
    const char *body = (const char *)sqlite3_column_text(stmt, 3);
    *ret_bytes = (size_t)sqlite3_column_bytes(stmt, 3);
    return scan_document(query, body ? body : "", *ret_bytes, id, rev, ret_doc, err);
}

static int select_hits(struct sqlite *store, struct db *db, const char *set, const json_t *indexes,
                       const struct query *query, struct hits *hits, struct ein_error *err)
{
    struct sql sql = { 0 };
    EIN_STMT sqlite3_stmt *stmt = NULL;
    const char *columns = scan_needs_text(query) ? "seq, id, rev, body" : "seq, id, rev, NULL";
    int r = prepare(db, columns, set, indexes, query, true, &sql, &stmt, err);

    while (r >= 0 && hits->bytes < store->find_bytes && (r = db_step(db, stmt, err)) > 0) {
        json_t *doc;
        size_t bytes;
        r = read_hit(store, set, query, stmt, &doc, &bytes, err);
        if (r >= 0)
            r = hits_add(hits, doc, (uint64_t)sqlite3_column_int64(stmt, 0), bytes, err);
    }
    sql_done(&sql);
    return r;
}

struct find {
    struct sqlite *store;
    const char *set;
};

static int collect(void *data, const struct query *query, struct hits *hits, struct ein_error *err)
{
    const struct find *find = data;
    struct sqlite *store = find->store;
    EIN_JSON json_t *indexes = catalog_set(store->catalog, find->set);
    struct db *db;
    int r;

    if (!indexes)
        return 0;
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = select_hits(store, db, find->set, indexes, query, hits, err);
    readers_give(store->readers, db);
    return r;
}

/* The documents are handed out after the reader has been given back: `each` may
 * take its time, and may call the store. */
int sqlite_find(void *impl, const char *set, const struct ein_query *from, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err)
{
    struct sqlite *store = impl;
    struct find find = { store, set };
    const struct hits_source source = { store->host, collect, &find, store->find_bytes, set };
    int r = sqlite_check_readable(store, err);

    return r < 0 ? r : hits_find(&source, from, each, data, ret_cursor, err);
}

/* *ret_number is what COLUMN, of all rows together, is. */
static int select_number(struct db *db, const char *column, const char *set, const json_t *indexes,
                         const struct query *query, uint64_t *ret_number, struct ein_error *err)
{
    struct sql sql = { 0 };
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = prepare(db, column, set, indexes, query, false, &sql, &stmt, err);

    if (r >= 0)
        r = db_step(db, stmt, err);
    if (r >= 0)
        *ret_number = (uint64_t)sqlite3_column_int64(stmt, 0);
    sql_done(&sql);
    return r < 0 ? r : 0;
}

static int read_number(struct sqlite *store, const char *column, const char *set,
                       const struct query *query, uint64_t *ret_number, struct ein_error *err)
{
    EIN_JSON json_t *indexes = catalog_set(store->catalog, set);
    struct db *db;
    int r;

    *ret_number = 0;
    if (!indexes)
        return 0;
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = select_number(db, column, set, indexes, query, ret_number, err);
    readers_give(store->readers, db);
    return r;
}

static int number_of(struct sqlite *store, const char *column, const char *set, const json_t *where,
                     uint64_t *ret_number, struct ein_error *err)
{
    struct query query;
    int r = sqlite_check_readable(store, err);

    if (r < 0)
        return r;
    r = query_parse_where(&query, set, where, err);
    if (r >= 0)
        r = read_number(store, column, set, &query, ret_number, err);
    query_done(&query);
    return r;
}

int sqlite_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                 struct ein_error *err)
{
    return number_of(impl, "count(*)", set, where, ret_count, err);
}

int sqlite_weigh(void *impl, const char *set, const json_t *where, uint64_t *ret_bytes,
                 struct ein_error *err)
{
    return number_of(impl, "sum(length(CAST(body AS BLOB)))", set, where, ret_bytes, err);
}

int sqlite_sets(void *impl, json_t **ret_names, struct ein_error *err)
{
    struct sqlite *store = impl;
    json_t *names;
    int r = sqlite_check_readable(store, err);

    if (r < 0)
        return r;
    names = catalog_names(store->catalog);
    if (!names)
        return error_no_memory(err);
    *ret_names = names;
    return 0;
}
