/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "hits.h"
#include "postgres.h"
#include "scan.h"

#include <stdio.h>
#include <string.h>

enum {
    TABLE_MAX = DOC_SET_MAX + 16,
    ROWS_FIRST = 1024, /* that are looked at for the first portion of a find */
    ROWS_MIN = 16,
    ROWS_MAX = 16384
};

/* Every field of the query has a column, whoever made it. */
static int need_columns(struct conn *conn, const char *set, const struct query *query,
                        struct ein_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < query->term_count; i++)
        r = keys_need(conn, set, query->terms[i].field, false, err);
    for (size_t i = 0; r >= 0 && i < query->order_count; i++)
        r = keys_need(conn, set, query->order[i].field, false, err);
    return r;
}

/* The first rows of ROWS, up to the one with which they pass find_bytes: the window has them in
 * the order of the query within, and does not fetch what it only measures. */
static int add_portion(const struct postgres *store, struct sql *rows, struct ein_error *err)
{
    char *text = NULL;
    int len = asprintf(&text,
                       "SELECT * FROM (SELECT *, sum(octet_length(body)) OVER (ROWS UNBOUNDED "
                       "PRECEDING) - octet_length(body) AS before FROM (%s) AS found) AS portion "
                       "WHERE before < %zu",
                       rows->text, store->find_bytes);

    if (len < 0)
        return error_no_memory(err);
    free(rows->text);
    rows->text = text;
    return 0;
}

/* *ret_result is NULL where there is no such set. */
static int run_query(struct conn *conn, const char *set, const struct query *query,
                     struct sql_of of, PGresult **ret_result, struct ein_error *err)
{
    EIN_JSON json_t *known = NULL;
    EIN_JSON json_t *keys = NULL;
    EIN_JSON json_t *indexed = NULL;
    char table[TABLE_MAX];
    struct sql sql = { 0 };
    int r = catalog_find(conn, set, &known, err);

    *ret_result = NULL;
    if (r < 0 || !known)
        return r;
    r = need_columns(conn, set, query, err);
    if (r < 0)
        return r;
    of.keys = keys = catalog_keys(conn->store, set);
    of.cut = indexed = catalog_indexed(conn->store, set);
    of.key_indexed = KEY_INDEXED;
    of.numbered = true;
    of.table = table;
    snprintf(table, sizeof(table), "\"set_%s\"", set);
    r = sql_query(&of, query, &sql, err);
    if (r >= 0 && of.ordered)
        r = add_portion(conn->store, &sql, err);
    if (r >= 0)
        r = conn_ask(conn, sql.text, sql.binds, sql.bind_count, ret_result, err);
    sql_done(&sql);
    return r;
}

struct find {
    struct postgres *store;
    const char *set;
    const struct query *query;
    struct hits *hits;
    uint32_t rows; /* that are looked at for the next portion: some more than were in the last */
};

/* What COLUMN, of all rows together, is. */
struct number {
    const char *column, *set;
    const struct query *query;
    uint64_t *ret;
};

static int run_find(struct conn *conn, void *data, struct ein_error *err)
{
    struct find *find = data;
    PGresult *result;
    const struct sql_of of = { .columns = scan_needs_text(find->query)
                                              ? "seq, id, rev, body"
                                              : "seq, id, rev, ''::text AS body",
                               .most = find->rows,
                               .ordered = true };
    int r = run_query(conn, find->set, find->query, of, &result, err);
    int count = r >= 0 && result ? PQntuples(result) : 0;

    for (int row = 0; r >= 0 && row < count; row++) {
        json_t *doc;

        r = scan_document(find->query, PQgetvalue(result, row, 3),
                          (size_t)PQgetlength(result, row, 3), PQgetvalue(result, row, 1),
                          PQgetvalue(result, row, 2), &doc, err);
        if (r >= 0)
            r = hits_add(find->hits, doc, (uint64_t)result_number(result, row, 0),
                         (size_t)PQgetlength(result, row, 3), err);
    }
    PQclear(result);
    find->hits->cut = count == sql_rows(&of, find->query) && (uint32_t)count <= find->query->limit;
    find->rows = count < ROWS_MAX / 2 ? (uint32_t)count * 2 + ROWS_MIN : ROWS_MAX;
    return r;
}

static int collect(void *data, const struct query *query, struct hits *hits, struct ein_error *err)
{
    struct find *find = data;

    find->query = query;
    find->hits = hits;
    return pool_do(find->store, run_find, find, err);
}

/* The documents are handed out after the connection has been given back: `each` may take its
 * time, and may call the store. */
int postgres_find(void *impl, const char *set, const struct ein_query *from, ein_doc_fn *each,
                  void *data, char **ret_cursor, struct ein_error *err)
{
    struct postgres *store = impl;
    struct find find = { .store = store, .set = set, .rows = ROWS_FIRST };
    const struct hits_source source = { store->host, collect, &find, store->find_bytes, set };
    int r = postgres_check_open(store, err);

    return r < 0 ? r : hits_find(&source, from, each, data, ret_cursor, err);
}

static int run_number(struct conn *conn, void *data, struct ein_error *err)
{
    struct number *number = data;
    PGresult *result;
    const struct sql_of of = { .columns = number->column };
    int r = run_query(conn, number->set, number->query, of, &result, err);

    if (r >= 0)
        *number->ret = result ? (uint64_t)result_number(result, 0, 0) : 0;
    PQclear(result);
    return r;
}

static int number_of(struct postgres *store, const char *column, const char *set,
                     const json_t *where, uint64_t *ret_number, struct ein_error *err)
{
    struct query query;
    struct number number = { column, set, &query, ret_number };
    int r = postgres_check_open(store, err);

    if (r < 0)
        return r;
    r = query_parse_where(&query, set, where, err);
    if (r >= 0)
        r = pool_do(store, run_number, &number, err);
    query_done(&query);
    return r < 0 ? r : 0;
}

int postgres_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                   struct ein_error *err)
{
    return number_of(impl, "count(*)", set, where, ret_count, err);
}

int postgres_weigh(void *impl, const char *set, const json_t *where, uint64_t *ret_bytes,
                   struct ein_error *err)
{
    return number_of(impl, "coalesce(sum(octet_length(body)), 0)", set, where, ret_bytes, err);
}

struct index {
    const char *set, *first, *last; /* FIRST may be NULL */
};

static int run_index(struct conn *conn, void *data, struct ein_error *err)
{
    const struct index *index = data;
    EIN_JSON json_t *keys = NULL;
    int r = catalog_need(conn, index->set, &keys, err);

    if (r >= 0 && index->first)
        r = keys_need(conn, index->set, index->first, true, err);
    return r < 0 ? r : keys_need(conn, index->set, index->last, true, err);
}

/* Of two its planner knows which to take, or takes both. */
int postgres_index(void *impl, const char *set, const char *fields, struct ein_error *err)
{
    struct postgres *store = impl;
    EIN_FREE char *first = NULL;
    struct index index = { .set = set };
    int r = postgres_check_open(store, err);

    if (r >= 0)
        r = doc_check_index(set, fields, &first, &index.last, err);
    index.first = first;
    if (r >= 0)
        r = pool_do(store, run_index, &index, err);
    return r < 0 ? r : 0;
}

static int read_names(struct conn *conn, void *data, struct ein_error *err)
{
    return catalog_names(conn, data, err);
}

int postgres_sets(void *impl, json_t **ret_names, struct ein_error *err)
{
    struct postgres *store = impl;
    int r = postgres_check_open(store, err);

    return r < 0 ? r : pool_do(store, read_names, ret_names, err);
}
