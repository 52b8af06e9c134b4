/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "postgres.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "scan.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 1024, COLUMNS = 3 /* beside the keys */ };

int postgres_check_open(const struct postgres *store, struct ein_error *err)
{
    return store->open ? 0 : error_set(err, EIN_E_UNAVAILABLE, "The store is not open");
}

static struct sql_bind text_bind(const char *text)
{
    return (struct sql_bind){ SQL_TEXT, text, strlen(text), 0 };
}

/* ---- reading ---- */

int64_t result_number(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* The document in the columns id, rev, body from FIRST on. */
int result_document(const PGresult *result, int row, int first, json_t **ret_doc,
                    struct ein_error *err)
{
    return doc_decode(PQgetvalue(result, row, first + 2),
                      (size_t)PQgetlength(result, row, first + 2), PQgetvalue(result, row, first),
                      PQgetvalue(result, row, first + 1), ret_doc, err);
}

struct get {
    const char *set, *id;
    json_t *doc;
};

static int run_get(struct conn *conn, void *data, struct ein_error *err)
{
    struct get *get = data;
    const struct sql_bind id = text_bind(get->id);
    EIN_JSON json_t *keys = NULL;
    PGresult *result = NULL;
    char text[SQL_MAX];
    int r = catalog_find(conn, get->set, &keys, err);

    if (r < 0)
        return r;
    if (!keys)
        return doc_not_found(get->set, get->id, err);
    snprintf(text, sizeof(text), "SELECT id, rev, body FROM \"set_%s\" WHERE id = $1", get->set);
    r = conn_run(conn, text, &id, 1, &result, err);
    if (r >= 0)
        r = PQntuples(result) ? result_document(result, 0, 0, &get->doc, err)
                              : doc_not_found(get->set, get->id, err);
    PQclear(result);
    return r;
}

int postgres_get(void *impl, const char *set, const char *id, json_t **ret_doc,
                 struct ein_error *err)
{
    struct postgres *store = impl;
    struct get get = { set, id, NULL };
    int r = postgres_check_open(store, err);

    if (r >= 0)
        r = doc_check_names(set, id, err);
    if (r >= 0)
        r = pool_do(store, run_get, &get, err);
    if (r >= 0)
        *ret_doc = get.doc;
    return r < 0 ? r : 0;
}

/* ---- writing ---- */

struct written {
    struct sql_bind binds[COLUMNS + KEYS_MAX + 1];
    struct key keys[KEYS_MAX];
    size_t key_count;
};

/* Keys in the order of their columns: N of kN is one more than its place. */
static int make_keys(struct written *written, const json_t *keys, const struct doc_text *doc,
                     struct ein_error *err)
{
    const char *field;
    json_t *number;

    json_object_foreach((json_t *)keys, field, number)
    {
        size_t at = (size_t)json_integer_value(number) - 1;

        if (at >= KEYS_MAX || scan_key_of(doc, field, &written->keys[at]) < 0)
            return error_no_memory(err);
        written->binds[COLUMNS + at] =
            (struct sql_bind){ SQL_BYTES, written->keys[at].data, written->keys[at].len, 0 };
    }
    written->key_count = json_object_size(keys);
    return 0;
}

static void written_done(struct written *written)
{
    for (size_t i = 0; i < KEYS_MAX; i++)
        key_done(&written->keys[i]);
}

static void insert_text(char *text, size_t size, const char *set, size_t keys)
{
    int len = snprintf(text, size, "INSERT INTO \"set_%s\"(id, rev, body, keys", set);

    for (size_t i = 1; i <= keys; i++)
        len += snprintf(text + len, size - (size_t)len, ", k%zu", i);
    len += snprintf(text + len, size - (size_t)len, ") VALUES($1, $2, $3, %zu", keys);
    for (size_t i = 1; i <= keys; i++)
        len += snprintf(text + len, size - (size_t)len, ", $%zu", COLUMNS + i);
    (void)snprintf(text + len, size - (size_t)len, ")");
}

static void update_text(char *text, size_t size, const char *set, size_t keys)
{
    int len =
        snprintf(text, size, "UPDATE \"set_%s\" SET rev = $2, body = $3, keys = %zu", set, keys);

    for (size_t i = 1; i <= keys; i++)
        len += snprintf(text + len, size - (size_t)len, ", k%zu = $%zu", i, COLUMNS + i);
    (void)snprintf(text + len, size - (size_t)len, " WHERE id = $1");
}

int document_send(struct conn *conn, const char *set, const char *id, const json_t *keys,
                  bool is_there, const char *rev, const struct doc_text *doc, struct ein_error *err)
{
    struct written written = { 0 };
    char sql[SQL_MAX];
    int r = make_keys(&written, keys, doc, err);

    if (r >= 0) {
        written.binds[0] = text_bind(id);
        written.binds[1] = text_bind(rev);
        written.binds[2] = (struct sql_bind){ SQL_TEXT, doc->text, doc->len, 0 };
        (is_there ? update_text : insert_text)(sql, sizeof(sql), set, written.key_count);
        r = conn_send(conn, sql, written.binds, COLUMNS + written.key_count, err);
    }
    written_done(&written);
    return r;
}

static int send_removal(struct conn *conn, const char *set, const char *id, struct ein_error *err)
{
    const struct sql_bind bind = text_bind(id);
    char text[SQL_MAX];

    snprintf(text, sizeof(text), "DELETE FROM \"set_%s\" WHERE id = $1", set);
    return conn_send(conn, text, &bind, 1, err);
}

/* ---- batches: read all, decide, write all ---- */

/* One document of a batch, however many operations name it. */
struct slot {
    const char *set, *id; /* lent from the first operation */
    bool was_there, is_there;
    bool asked;            /* whether it was absent counts: nobody may make it meanwhile */
    bool removed, written; /* what there was is taken away; what there is now is new */
    size_t made_at;        /* the operation that made it: the order of creation */
    char rev[EIN_REV_SIZE];
    json_t *doc;          /* what is stored now; NULL: not known, or as `text` */
    struct doc_text text; /* written: the operation's, or its own, and then the members too */
};

struct prepared {         /* what needs no connection is done before there is one */
    struct doc_text text; /* EIN_DOC_PUT */
    char rev[EIN_REV_SIZE];
};

struct batch {
    const struct ein_host *host;
    struct ein_doc_op *ops;
    size_t count, stride, max_bytes;
    struct prepared *prepared;
    bool has_update;

    struct slot *slots; /* one try's, from here on */
    size_t slot_count;
    json_t *places; /* {set: {id: place in slots}} */
};

static const struct ein_doc_op *op_of(const struct batch *batch, size_t i)
{
    return doc_op_at(batch->ops, i, batch->stride);
}

static void free_own_text(const struct batch *batch, struct slot *slot)
{
    if (slot->text.own)
        json_decref((json_t *)slot->text.members);
    batch->host->mem_free(slot->text.own);
    slot->text = (struct doc_text){ 0 };
}

static void slots_done(struct batch *batch)
{
    for (size_t i = 0; i < batch->slot_count; i++) {
        struct slot *slot = &batch->slots[i];

        json_decref(slot->doc);
        free_own_text(batch, slot);
    }
    free(batch->slots);
    json_decref(batch->places);
    batch->slots = NULL;
    batch->places = NULL;
    batch->slot_count = 0;
}

static struct slot *slot_of(const struct batch *batch, const char *set, const char *id)
{
    const json_t *place = json_object_get(json_object_get(batch->places, set), id);

    return place ? &batch->slots[json_integer_value(place)] : NULL;
}

static int add_slot(struct batch *batch, const struct ein_doc_op *op)
{
    json_t *ids = json_object_get(batch->places, op->set);

    if (!ids && json_object_set_new(batch->places, op->set, ids = json_object()) < 0)
        return -1;
    batch->slots[batch->slot_count] = (struct slot){ .set = op->set, .id = op->id };
    return json_object_set_new(ids, op->id, json_integer((json_int_t)batch->slot_count++));
}

static int make_slots(struct batch *batch, struct ein_error *err)
{
    slots_done(batch); /* of an earlier try */
    batch->slots = calloc(batch->count, sizeof(*batch->slots));
    batch->places = json_object();
    if (!batch->slots || !batch->places)
        return error_no_memory(err);
    for (size_t i = 0; i < batch->count; i++) {
        const struct ein_doc_op *op = op_of(batch, i);

        if (!slot_of(batch, op->set, op->id) && add_slot(batch, op) < 0)
            return error_no_memory(err);
    }
    return 0;
}

/* The ids as PostgreSQL writes an array: {"a","b"}. */
static char *ids_text(const json_t *ids)
{
    struct buf out;
    const char *id, *separator = "{\"";
    json_t *place;

    buf_init(&out, SIZE_MAX);
    json_object_foreach((json_t *)ids, id, place)
    {
        (void)buf_text(&out, separator);
        for (const char *c = id; *c; c++) {
            if (*c == '"' || *c == '\\')
                (void)buf_char(&out, '\\');
            (void)buf_char(&out, *c);
        }
        separator = "\",\"";
    }
    (void)buf_text(&out, "\"}");
    return buf_take(&out, NULL);
}

static int fill_slots(struct batch *batch, const char *set, const PGresult *rows,
                      struct ein_error *err)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct slot *slot = slot_of(batch, set, PQgetvalue(rows, row, 0));
        int r = 0;

        if (!slot)
            return error_set(err, EIN_E_INTERNAL, "The database gave a document not asked for");
        slot->was_there = slot->is_there = true;
        snprintf(slot->rev, sizeof(slot->rev), "%s", PQgetvalue(rows, row, 1));
        if (batch->has_update)
            r = result_document(rows, row, 0, &slot->doc, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Rows are locked in one order, so that two batches do not wait for each other. */
static int lock_rows(struct conn *conn, struct batch *batch, const char *set, const json_t *ids,
                     struct ein_error *err)
{
    EIN_FREE char *array = ids_text(ids);
    struct sql_bind bind;
    PGresult *rows = NULL;
    char text[SQL_MAX];
    int r;

    if (!array)
        return error_no_memory(err);
    bind = text_bind(array);
    snprintf(text, sizeof(text),
             "SELECT id, rev%s FROM \"set_%s\" WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE",
             batch->has_update ? ", body" : "", set);
    r = conn_run(conn, text, &bind, 1, &rows, err);
    if (r >= 0)
        r = fill_slots(batch, set, rows, err);
    PQclear(rows);
    return r;
}

static int lock_all(struct conn *conn, struct batch *batch, struct ein_error *err)
{
    size_t count = 0;
    EIN_FREE const char **sets = calloc(json_object_size(batch->places), sizeof(*sets));
    const char *set;
    json_t *ids;
    int r = 0;

    if (!sets)
        return error_no_memory(err);
    json_object_foreach(batch->places, set, ids) sets[count++] = set;
    qsort(sets, count, sizeof(*sets), str_compare);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = lock_rows(conn, batch, sets[i], json_object_get(batch->places, sets[i]), err);
    return r;
}

/* TEXT becomes the document. */
static int write_slot(struct slot *slot, size_t op, struct doc_text text, struct ein_error *err)
{
    slot->text = text;
    int r = doc_revise(slot->is_there ? slot->rev : NULL, NULL, slot->rev, err);

    if (r < 0)
        return r;
    if (!slot->is_there)
        slot->made_at = op;
    json_decref(slot->doc);
    slot->doc = NULL;
    slot->is_there = slot->written = true;
    return 0;
}

static int update_slot(const struct batch *batch, struct slot *slot, size_t at,
                       const struct ein_doc_op *op, struct ein_error *err)
{
    EIN_JSON json_t *stored = json_incref(slot->doc);
    EIN_JSON json_t *members = NULL;
    struct doc_text text = { 0 };
    int r = 0;

    if (!stored)
        r = doc_decode(slot->text.text, slot->text.len, slot->id, slot->rev, &stored, err);
    if (r >= 0)
        r = doc_update(op, stored, &members, err);
    if (r >= 0)
        r = doc_encode(batch->host, members, batch->max_bytes, &text, err);
    if (r < 0)
        return r;
    free_own_text(batch, slot);
    (void)EIN_TAKE(members);
    return write_slot(slot, at, text, err);
}

static void remove_slot(const struct batch *batch, struct slot *slot)
{
    free_own_text(batch, slot);
    slot->removed = slot->was_there;
    slot->is_there = slot->written = false;
}

static int decide(const struct batch *batch, size_t at, struct ein_error *err)
{
    const struct ein_doc_op *op = op_of(batch, at);
    struct prepared *prepared = &batch->prepared[at];
    struct doc_text text = prepared->text;
    struct slot *slot = slot_of(batch, op->set, op->id);
    int r = doc_expect(op, slot->is_there ? slot->rev : NULL, err);

    if (r < 0)
        return r;
    slot->asked = true;
    prepared->rev[0] = '\0';
    if (op->kind == EIN_DOC_PUT) {
        free_own_text(batch, slot);
        text.own = NULL;
        r = write_slot(slot, at, text, err);
    } else if (op->kind == EIN_DOC_UPDATE) {
        r = update_slot(batch, slot, at, op, err);
    } else if (op->kind == EIN_DOC_DELETE) {
        remove_slot(batch, slot);
    }
    if (r >= 0 && slot->written && op->kind != EIN_DOC_CHECK)
        memcpy(prepared->rev, slot->rev, sizeof(prepared->rev));
    return r;
}

/* A row that is not there cannot be locked.  One that is made and taken away again keeps others
 * from making it until the transaction ends. */
static int send_absence(struct conn *conn, const struct slot *slot, const json_t *keys,
                        struct ein_error *err)
{
    const struct doc_text nothing = { .text = "{}", .len = 2 };
    int r = document_send(conn, slot->set, slot->id, keys, false, "", &nothing, err);

    return r < 0 ? r : send_removal(conn, slot->set, slot->id, err);
}

static int send_slot(struct conn *conn, const struct slot *slot, struct ein_error *err)
{
    EIN_JSON json_t *keys = catalog_keys(conn->store, slot->set);
    int r = 0;

    if (slot->removed)
        r = send_removal(conn, slot->set, slot->id, err);
    if (r >= 0 && slot->written)
        r = document_send(conn, slot->set, slot->id, keys, slot->was_there && !slot->removed,
                          slot->rev, &slot->text, err);
    if (r >= 0 && !slot->was_there && !slot->is_there)
        r = send_absence(conn, slot, keys, err);
    return r;
}

static int by_creation(const void *a, const void *b)
{
    size_t x = ((const struct slot *)a)->made_at, y = ((const struct slot *)b)->made_at;

    return x < y ? -1 : x > y;
}

static int send_all(struct conn *conn, struct batch *batch, struct ein_error *err)
{
    int r = conn_pipeline(conn, err);

    qsort(batch->slots, batch->slot_count, sizeof(*batch->slots), by_creation);
    for (size_t i = 0; r >= 0 && i < batch->slot_count; i++)
        r = send_slot(conn, &batch->slots[i], err);
    return conn_finish(conn, r, err);
}

/* Tables are made in transactions of their own, before. */
static int need_sets(struct conn *conn, const struct batch *batch, struct ein_error *err)
{
    const char *set;
    json_t *ids;

    json_object_foreach(batch->places, set, ids)
    {
        EIN_JSON json_t *keys = NULL;
        int r = catalog_need(conn, set, &keys, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int run_batch(struct conn *conn, void *data, struct ein_error *err)
{
    struct batch *batch = data;
    int r = make_slots(batch, err);

    if (r >= 0)
        r = need_sets(conn, batch, err);
    if (r >= 0)
        r = conn_begin(conn, err);
    if (r >= 0)
        r = lock_all(conn, batch, err);
    for (size_t i = 0; r >= 0 && i < batch->count; i++)
        r = decide(batch, i, err);
    return r < 0 ? r : send_all(conn, batch, err);
}

static int prepare(struct batch *batch, struct ein_error *err)
{
    batch->prepared = calloc(batch->count + 1, sizeof(*batch->prepared));
    if (!batch->prepared)
        return error_no_memory(err);
    for (size_t i = 0; i < batch->count; i++) {
        const struct ein_doc_op *op = op_of(batch, i);
        struct prepared *prepared = &batch->prepared[i];
        int r = op->kind != EIN_DOC_PUT ? 0
                                        : doc_put_text(batch->host, op, batch->stride,
                                                       batch->max_bytes, &prepared->text, err);

        if (r < 0)
            return r;
        batch->has_update = batch->has_update || op->kind == EIN_DOC_UPDATE;
    }
    return 0;
}

static void batch_done(struct batch *batch)
{
    slots_done(batch);
    for (size_t i = 0; batch->prepared && i < batch->count; i++)
        batch->host->mem_free(batch->prepared[i].text.own);
    free(batch->prepared);
}

int postgres_batch(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                   struct ein_error *err)
{
    struct postgres *store = impl;
    struct batch batch = { .host = store->host,
                           .ops = ops,
                           .count = count,
                           .stride = stride,
                           .max_bytes = store->max_bytes };
    int r = postgres_check_open(store, err);

    if (r >= 0)
        r = doc_check_ops(ops, count, stride, err);
    if (r < 0 || !count)
        return r;
    r = prepare(&batch, err);
    if (r >= 0)
        r = pool_do(store, run_batch, &batch, err);
    for (size_t i = 0; r >= 0 && i < count; i++)
        memcpy(doc_op_at(ops, i, stride)->ret_rev, batch.prepared[i].rev, EIN_REV_SIZE);
    batch_done(&batch);
    return r < 0 ? r : 0;
}
