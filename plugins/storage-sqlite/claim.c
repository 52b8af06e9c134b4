/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"
#include "document.h"
#include "documents.h"
#include "error.h"
#include "key.h"
#include "readers.h"

#include <stdio.h>

enum { SQL_MAX = 512 };

struct claim {
    const char *set, *due_field;
    int64_t now, due_next;
    json_t *claimed;
};

static int prepare_due(struct db *db, const json_t *indexes, const struct claim *claim,
                       sqlite3_stmt **ret_stmt, struct ein_error *err)
{
    static const unsigned char number = KEY_NUMBER;
    const json_t *index = json_object_get(indexes, claim->due_field);
    EIN_JSON json_t *now = json_integer(claim->now);
    char field[32] = "ein_key(body, ?3)", sql[SQL_MAX];
    struct key key;
    int r;

    if (index)
        snprintf(field, sizeof(field), "k%d", (int)json_integer_value(index));
    sqlite3_snprintf(sizeof(sql), sql,
                     "SELECT seq, id, rev, body FROM \"set_%w\""
                     " WHERE %s >= ?1 AND %s <= ?2 ORDER BY %s, seq",
                     claim->set, field, field, field);
    r = db_prepare(db, sql, ret_stmt, err);
    if (r < 0)
        return r;
    if (key_make(now, &key) < 0)
        return error_no_memory(err);
    sqlite3_bind_blob(*ret_stmt, 1, &number, 1, SQLITE_STATIC);
    sqlite3_bind_blob64(*ret_stmt, 2, key.data, key.len, free);
    if (!index)
        sqlite3_bind_text(*ret_stmt, 3, claim->due_field, -1, SQLITE_STATIC);
    return 0;
}

/* 1 and the first document that is due by an integer, or 0. */
static int find_due(struct db *db, const json_t *indexes, const struct claim *claim,
                    struct row *ret_row, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    int r = prepare_due(db, indexes, claim, &stmt, err);

    while (r >= 0 && (r = db_step(db, stmt, err)) > 0) {
        EIN_JSON json_t *doc = NULL;
        const char *body = (const char *)sqlite3_column_text(stmt, 3);
        const char *rev = (const char *)sqlite3_column_text(stmt, 2);
        r = doc_decode(body ? body : "", (size_t)sqlite3_column_bytes(stmt, 3),
                       (const char *)sqlite3_column_text(stmt, 1), rev, &doc, err);
        if (r < 0)
            return r;
        if (!json_is_integer(json_object_get(doc, claim->due_field)))
            continue;
        ret_row->seq = sqlite3_column_int64(stmt, 0);
        snprintf(ret_row->rev, sizeof(ret_row->rev), "%s", rev);
        ret_row->doc = EIN_TAKE(doc);
        return 1;
    }
    return r;
}

static int take(struct writing *writing, struct claim *claim, const struct row *row,
                struct ein_error *err)
{
    EIN_JSON json_t *members = NULL;
    const struct ein_host *host = writing->store->host;
    struct doc_text text = { 0 };
    char rev[EIN_REV_SIZE];
    const char *id = doc_id(row->doc);
    int r = doc_with_integer(row->doc, claim->due_field, claim->due_next, &members, err);

    if (r >= 0)
        r = doc_encode(host, members, writing->store->max_bytes, &text, err);
    if (r >= 0)
        r = document_store(writing, claim->set, id, row, &text, rev, err);
    json_decref(claim->claimed); /* of a transaction that was lost */
    claim->claimed = NULL;
    if (r >= 0)
        r = doc_decode(text.text, text.len, id, rev, &claim->claimed, err);
    host->mem_free(text.own);
    return r < 0 ? r : 1;
}

static int run_claim(struct writing *writing, void *data, struct ein_error *err)
{
    struct claim *claim = data;
    const json_t *indexes = json_object_get(writing->sets, claim->set);
    struct row row = { 0 };
    int r = indexes ? find_due(writing->db, indexes, claim, &row, err) : 0;

    if (r > 0)
        r = take(writing, claim, &row, err);
    json_decref(row.doc);
    return r;
}

/* Workers ask often, and mostly in vain: that must not cost a commit. */
static int is_any_due(struct sqlite *store, const struct claim *claim, struct ein_error *err)
{
    EIN_JSON json_t *indexes = catalog_set(store->catalog, claim->set);
    struct row row = { 0 };
    struct db *db;
    int r;

    if (!indexes)
        return 0;
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = find_due(db, indexes, claim, &row, err);
    readers_give(store->readers, db);
    json_decref(row.doc);
    return r;
}

int sqlite_claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                 json_t **ret_doc, struct ein_error *err)
{
    struct sqlite *store = impl;
    struct claim claim = { set, due_field, now, 0, NULL };
    int r = sqlite_check_open(store, err);

    if (r >= 0)
        r = doc_check_claim(set, due_field, now, lease, &claim.due_next, err);
    if (r >= 0)
        r = is_any_due(store, &claim, err);
    if (r > 0)
        r = writer_do(store->writer, run_claim, &claim, err);
    if (r > 0)
        *ret_doc = claim.claimed;
    else
        json_decref(claim.claimed);
    return r;
}
