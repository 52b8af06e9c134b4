/* SPDX-License-Identifier: Apache-2.0 */
/* Workers of several servers ask at once: each passes over what another has in hand. */
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "postgres.h"

#include <stdio.h>

enum {
    SQL_MAX = 1024,
    LOOK_AT = 8 /* documents at once: those due by a number which is not whole are passed over */
};

struct claim {
    const char *set, *due_field;
    int64_t now, due_next;
    json_t *claimed;
    bool found;
};

/* The next few, behind the first PASSED. */
static int find_due(struct conn *conn, const struct claim *claim, int column, int passed,
                    PGresult **ret_rows, struct ein_error *err)
{
    static const unsigned char number = KEY_NUMBER;
    EIN_JSON json_t *now = json_integer(claim->now);
    struct sql_bind binds[] = { { SQL_BYTES, &number, 1, 0 },
                                { SQL_BYTES, NULL, 0, 0 },
                                { SQL_NUMBER, NULL, 0, passed } };
    char text[SQL_MAX];
    struct key key;
    int r;

    if (!now || key_make(now, &key) < 0)
        return error_no_memory(err);
    binds[1].data = key.data;
    binds[1].len = key.len;
    snprintf(text, sizeof(text),
             "SELECT seq, id, rev, body FROM \"set_%s\""
             " WHERE substring(k%d, 1, %d) >= $1 AND substring(k%d, 1, %d) <= $2"
             " ORDER BY substring(k%d, 1, %d), seq LIMIT %d OFFSET $3 FOR UPDATE SKIP LOCKED",
             claim->set, column, KEY_INDEXED, column, KEY_INDEXED, column, KEY_INDEXED, LOOK_AT);
    r = conn_run(conn, text, binds, 3, ret_rows, err);
    key_done(&key);
    return r;
}

static int take(struct conn *conn, struct claim *claim, const json_t *keys, const PGresult *rows,
                int at, const json_t *doc, struct ein_error *err)
{
    const struct ein_host *host = conn->store->host;
    EIN_JSON json_t *members = NULL;
    struct doc_text text = { 0 };
    char rev[EIN_REV_SIZE];
    int r = doc_with_integer(doc, claim->due_field, claim->due_next, &members, err);

    if (r >= 0)
        r = doc_encode(host, members, conn->store->max_bytes, &text, err);
    if (r >= 0)
        r = doc_revise(PQgetvalue(rows, at, 2), NULL, rev, err);
    if (r >= 0)
        r = conn_pipeline(conn, err);
    if (r >= 0) {
        r = document_send(conn, claim->set, doc_id(doc), keys, true, rev, &text, err);
        r = conn_finish(conn, r, err);
    }
    json_decref(claim->claimed); /* of a transaction that was lost */
    claim->claimed = NULL;
    if (r >= 0)
        r = doc_decode(text.text, text.len, doc_id(doc), rev, &claim->claimed, err);
    host->mem_free(text.own);
    claim->found = r >= 0;
    return r;
}

static int take_first(struct conn *conn, struct claim *claim, const json_t *keys,
                      const PGresult *rows, struct ein_error *err)
{
    int r = 0;

    claim->found = false;
    for (int at = 0; r >= 0 && !claim->found && at < PQntuples(rows); at++) {
        EIN_JSON json_t *doc = NULL;

        r = result_document(rows, at, 1, &doc, err);
        if (r >= 0 && json_is_integer(json_object_get(doc, claim->due_field)))
            r = take(conn, claim, keys, rows, at, doc, err);
    }
    return r;
}

static int run_claim(struct conn *conn, void *data, struct ein_error *err)
{
    struct claim *claim = data;
    EIN_JSON json_t *known = NULL;
    EIN_JSON json_t *keys = NULL;
    int column, count = LOOK_AT;
    int r = catalog_find(conn, claim->set, &known, err);

    claim->found = false;
    if (r < 0 || !known)
        return r;
    r = keys_need(conn, claim->set, claim->due_field, false, err);
    keys = catalog_keys(conn->store, claim->set);
    if (r >= 0)
        r = conn_begin(conn, err);
    column = (int)json_integer_value(json_object_get(keys, claim->due_field));
    for (int passed = 0; r >= 0 && !claim->found && count == LOOK_AT; passed += count) {
        PGresult *rows = NULL;
        r = find_due(conn, claim, column, passed, &rows, err);
        count = r < 0 ? 0 : PQntuples(rows);
        if (r >= 0)
            r = take_first(conn, claim, keys, rows, err);
        PQclear(rows);
    }
    return r < 0 || claim->found ? r : conn_commit(conn, err);
}

int postgres_claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                   json_t **ret_doc, struct ein_error *err)
{
    struct postgres *store = impl;
    struct claim claim = { .set = set, .due_field = due_field, .now = now };
    int r = postgres_check_open(store, err);

    if (r >= 0)
        r = doc_check_claim(set, due_field, now, lease, &claim.due_next, err);
    if (r >= 0)
        r = pool_do(store, run_claim, &claim, err);
    if (r >= 0 && claim.found) {
        *ret_doc = claim.claimed;
        return 1;
    }
    json_decref(claim.claimed);
    return r < 0 ? r : 0;
}
