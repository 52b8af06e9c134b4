/* SPDX-License-Identifier: Apache-2.0 */
#include "documents.h"

#include "cache.h"
#include "catalog.h"
#include "document.h"
#include "error.h"
#include "key.h"
#include "readers.h"
#include "reserve.h"
#include "scan.h"

#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 256 };

struct batch {
    struct ein_doc_op *ops;
    size_t count, stride;
    struct prepared {         /* what needs no lock is done by the caller's thread */
        struct doc_text text; /* EIN_DOC_PUT */
        char rev[EIN_REV_SIZE];
    } * prepared;
};

/* ---- reading ---- */

/* Reads the row of document ID; without WITH_DOC only what it takes to replace it. */
static int read_row(struct db *db, const char *set, const char *id, bool with_doc,
                    struct row *ret_row, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    char sql[SQL_MAX];
    int r;

    *ret_row = (struct row){ 0 };
    sqlite3_snprintf(sizeof(sql), sql, "SELECT seq, rev%s FROM \"set_%w\" WHERE id = ?",
                     with_doc ? ", body" : "", set);
    r = db_prepare(db, sql, &stmt, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    r = db_step(db, stmt, err);
    if (r <= 0)
        return r;

    ret_row->seq = sqlite3_column_int64(stmt, 0);
    snprintf(ret_row->rev, sizeof(ret_row->rev), "%s", (const char *)sqlite3_column_text(stmt, 1));
    if (!with_doc)
        return 0;
    const char *body = (const char *)sqlite3_column_text(stmt, 2);
    size_t len = (size_t)sqlite3_column_bytes(stmt, 2);
    return doc_decode(body ? body : "", len, id, ret_row->rev, &ret_row->doc, err);
}

static int read_document(struct sqlite *store, const char *set, const char *id, json_t **ret_doc,
                         struct ein_error *err)
{
    EIN_JSON json_t *exists = catalog_set(store->catalog, set);
    struct row row = { 0 };
    struct db *db;
    int r;

    if (!exists)
        return doc_not_found(set, id, err);
    r = readers_take(store->readers, &db, err);
    if (r < 0)
        return r;
    r = read_row(db, set, id, true, &row, err);
    readers_give(store->readers, db);

    if (r < 0)
        return r;
    if (!row.doc)
        return doc_not_found(set, id, err);
    *ret_doc = row.doc;
    return 0;
}

int sqlite_get(void *impl, const char *set, const char *id, json_t **ret_doc, struct ein_error *err)
{
    struct sqlite *store = impl;
    uint64_t ticket;
    int r = sqlite_check_readable(store, err);

    if (r < 0)
        return r;
    json_t *doc = set && id ? cache_get(store->cache, set, id, &ticket) : NULL;
    if (!doc) {
        r = doc_check_names(set, id, err);
        if (r >= 0)
            r = read_document(store, set, id, &doc, err);
        if (r < 0)
            return r;
        cache_put(store->cache, set, id, doc, ticket);
    }
    *ret_doc = doc;
    return 0;
}

/* ---- writing ---- */

static char *insert_text(const char *set, const json_t *indexes)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *field;
    json_t *number;

    sqlite3_str_appendf(sql, "INSERT INTO \"set_%w\"(rev, body, id", set);
    json_object_foreach((json_t *)indexes, field, number)
        sqlite3_str_appendf(sql, ", k%lld", json_integer_value(number));
    sqlite3_str_appendall(sql, ") VALUES(?, ?, ?");
    for (size_t i = json_object_size(indexes); i; i--)
        sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendall(sql, ")");
    return sqlite3_str_finish(sql);
}

static char *replace_text(const char *set, const json_t *indexes)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *field;
    json_t *number;

    sqlite3_str_appendf(sql, "UPDATE \"set_%w\" SET (rev, body", set);
    json_object_foreach((json_t *)indexes, field, number)
        sqlite3_str_appendf(sql, ", k%lld", json_integer_value(number));
    sqlite3_str_appendall(sql, ") = (?1, ?2");
    for (size_t i = 0; i < json_object_size(indexes); i++)
        sqlite3_str_appendf(sql, ", ?%d", (int)i + 4);
    sqlite3_str_appendall(sql, ") WHERE seq = ?3");
    return sqlite3_str_finish(sql);
}

/* The statement is written once for each set and its indexes. */
static int prepare_store(const struct writing *writing, const char *set, const json_t *indexes,
                         bool insert, sqlite3_stmt **ret_stmt, struct ein_error *err)
{
    json_t *texts = insert ? writing->inserts : writing->replaces;
    json_t *known = json_object_get(texts, set);

    if (!known) {
        char *text = (insert ? insert_text : replace_text)(set, indexes);
        known = text ? json_string(text) : NULL;
        sqlite3_free(text);
        if (json_object_set_new(texts, set, known) < 0)
            return error_no_memory(err);
    }
    return db_prepare(writing->db, json_string_value(known), ret_stmt, err);
}

static int bind_keys(sqlite3_stmt *stmt, const json_t *indexes, const struct doc_text *doc,
                     struct ein_error *err)
{
    const char *field;
    json_t *number;
    int column = 4;

    json_object_foreach((json_t *)indexes, field, number)
    {
        struct key key;
        if (scan_key_of(doc, field, &key) < 0)
            return error_no_memory(err);
        sqlite3_bind_blob64(stmt, column++, key.data, key.len, free);
    }
    return 0;
}

static int length_of(struct writing *writing, const char *set, const struct row *row,
                     int64_t *ret_len, struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    char sql[SQL_MAX];
    int r;

    sqlite3_snprintf(sizeof(sql), sql,
                     "SELECT length(CAST(body AS BLOB)) FROM \"set_%w\" WHERE seq = ?", set);
    r = db_prepare(writing->db, sql, &stmt, err);
    if (r < 0)
        return r;
    sqlite3_bind_int64(stmt, 1, row->seq);
    r = db_step(writing->db, stmt, err);
    *ret_len = r > 0 ? sqlite3_column_int64(stmt, 0) : 0;
    return r;
}

static int check_room(const struct writing *writing, bool eases, struct ein_error *err)
{
    const struct reserve *reserve = writing->store->reserve;

    if (!reserve_is_full(reserve) || reserve_lets_pass(reserve, eases, writing->growth))
        return 0;
    return error_set(err, EIN_E_UNAVAILABLE, STORE_IS_FULL "; only what frees space is written");
}

/* OLD is about to give way to LEN bytes, which is only counted while that counts.  What is too
 * much is not even tried: it might not fit. */
static int count_growth(struct writing *writing, const char *set, const struct row *old, size_t len,
                        struct ein_error *err)
{
    int64_t before = 0;
    int r = 0;

    if (!reserve_is_full(writing->store->reserve))
        return 0;
    if (old->seq)
        r = length_of(writing, set, old, &before, err);
    if (r < 0)
        return r;
    writing->eases = writing->eases || old->seq;
    writing->growth += (int64_t)len - before;
    return check_room(writing, true, err);
}

static int hold(struct writing *writing, const char *set, const char *id, struct ein_error *err)
{
    return cache_hold(writing->store->cache, set, id) < 0 ? error_no_memory(err) : 0;
}

int document_store(struct writing *writing, const char *set, const char *id, const struct row *old,
                   const struct doc_text *doc, char ret_rev[EIN_REV_SIZE], struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    const json_t *indexes;
    char rev[EIN_REV_SIZE];
    int r = writing_need_set(writing, set, &indexes, err);

    if (r >= 0)
        r = doc_revise(old->seq ? old->rev : NULL, &writing->seed, rev, err);
    if (r >= 0 && old->seq) /* what is new nobody has in a cache */
        r = hold(writing, set, id, err);
    if (r >= 0)
        r = count_growth(writing, set, old, doc->len, err);
    if (r >= 0)
        r = prepare_store(writing, set, indexes, !old->seq, &stmt, err);
    if (r >= 0)
        r = bind_keys(stmt, indexes, doc, err);
    if (r < 0)
        return r;

    sqlite3_bind_text(stmt, 1, rev, -1, SQLITE_STATIC);
    sqlite3_bind_text64(stmt, 2, doc->text, doc->len, SQLITE_STATIC, SQLITE_UTF8);
    if (old->seq)
        sqlite3_bind_int64(stmt, 3, old->seq);
    else
        sqlite3_bind_text(stmt, 3, id, -1, SQLITE_STATIC);
    r = db_step(writing->db, stmt, err);
    if (r < 0)
        return r;
    memcpy(ret_rev, rev, sizeof(rev));
    return 0;
}

static int update(struct writing *writing, const struct ein_doc_op *op, const struct row *old,
                  char ret_rev[EIN_REV_SIZE], struct ein_error *err)
{
    EIN_JSON json_t *members = NULL;
    const struct ein_host *host = writing->store->host;
    struct doc_text text = { 0 };
    int r = doc_update(op, old->doc, &members, err);

    if (r >= 0)
        r = doc_encode(host, members, writing->store->max_bytes, &text, err);
    if (r >= 0)
        r = document_store(writing, op->set, op->id, old, &text, ret_rev, err);
    host->mem_free(text.own);
    return r;
}

static int remove_row(struct writing *writing, const struct ein_doc_op *op, const struct row *old,
                      struct ein_error *err)
{
    EIN_STMT sqlite3_stmt *stmt = NULL;
    char sql[SQL_MAX];
    int r = hold(writing, op->set, op->id, err);

    if (r >= 0)
        r = count_growth(writing, op->set, old, 0, err);
    sqlite3_snprintf(sizeof(sql), sql, "DELETE FROM \"set_%w\" WHERE seq = ?", op->set);
    if (r >= 0)
        r = db_prepare(writing->db, sql, &stmt, err);
    if (r < 0)
        return r;
    sqlite3_bind_int64(stmt, 1, old->seq);
    return db_step(writing->db, stmt, err);
}

static int apply_to(struct writing *writing, const struct ein_doc_op *op, const struct row *old,
                    struct prepared *prepared, struct ein_error *err)
{
    int r = doc_expect(op, old->seq ? old->rev : NULL, err);

    if (r < 0)
        return r;
    prepared->rev[0] = '\0';
    switch (op->kind) {
    case EIN_DOC_PUT:
        return document_store(writing, op->set, op->id, old, &prepared->text, prepared->rev, err);
    case EIN_DOC_UPDATE:
        return update(writing, op, old, prepared->rev, err);
    case EIN_DOC_DELETE:
        return remove_row(writing, op, old, err);
    }
    return 0; /* EIN_DOC_CHECK */
}

/* The table itself refuses a second one of that id: it need not be looked for. */
static bool is_insert(const struct ein_doc_op *op)
{
    return op->kind == EIN_DOC_PUT && op->expect && !*op->expect;
}

static int apply(struct writing *writing, const struct ein_doc_op *op, struct prepared *prepared,
                 struct ein_error *err)
{
    struct row old = { 0 };
    int r = 0;

    if (!is_insert(op) && json_object_get(writing->sets, op->set))
        r = read_row(writing->db, op->set, op->id, op->kind == EIN_DOC_UPDATE, &old, err);
    if (r >= 0)
        r = apply_to(writing, op, &old, prepared, err);
    if (r == EIN_E_CONFLICT && is_insert(op))
        r = doc_expect(op, "", err);
    json_decref(old.doc);
    return r;
}

static int run_batch(struct writing *writing, void *data, struct ein_error *err)
{
    const struct batch *batch = data;

    writing->eases = false;
    writing->growth = 0;
    for (size_t i = 0; i < batch->count; i++) {
        int r = apply(writing, doc_op_at(batch->ops, i, batch->stride), &batch->prepared[i], err);
        if (r < 0)
            return r;
    }
    return check_room(writing, writing->eases, err);
}

static int prepare(const struct sqlite *store, struct batch *batch, struct ein_error *err)
{
    batch->prepared = calloc(batch->count + 1, sizeof(*batch->prepared));
    if (!batch->prepared)
        return error_no_memory(err);

    for (size_t i = 0; i < batch->count; i++) {
        const struct ein_doc_op *op = doc_op_at(batch->ops, i, batch->stride);
        if (op->kind != EIN_DOC_PUT)
            continue;
        int r = doc_put_text(store->host, op, batch->stride, store->max_bytes,
                             &batch->prepared[i].text, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void done_batch(const struct sqlite *store, struct batch *batch)
{
    for (size_t i = 0; batch->prepared && i < batch->count; i++)
        store->host->mem_free(batch->prepared[i].text.own);
    free(batch->prepared);
}

int sqlite_batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                 struct ein_error *err)
{
    struct sqlite *store = impl;
    struct batch batch = { ops, count, stride, NULL };
    int r = sqlite_check_open(store, err);

    if (r >= 0)
        r = doc_check_ops(ops, count, stride, err);
    if (r < 0 || !count)
        return r;

    r = prepare(store, &batch, err);
    if (r >= 0)
        r = writer_do(store->writer, run_batch, &batch, err);
    for (size_t i = 0; r >= 0 && i < count; i++)
        memcpy(doc_op_at(ops, i, stride)->ret_rev, batch.prepared[i].rev, EIN_REV_SIZE);
    done_batch(store, &batch);
    return r < 0 ? r : 0;
}
