/* SPDX-License-Identifier: Apache-2.0 */
/* A field that is filtered or ordered by has a column of bytes that sort as its values do.
 *
 * A server that does not know of a column yet would write rows without it.  So each row says for
 * how many columns it was written, and a constraint lets in only those that know them all: who
 * is refused reads the catalog again. */
#include "postgres.h"

#include "buf.h"
#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "hex.h"
#include "scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 512, FILL_ROWS = 500 };

struct column {
    const char *set, *field;
    int number;
    bool exists, indexed;
};

/* What is true while nobody else may change it. */
static int look(struct conn *conn, struct column *column, struct ein_error *err)
{
    const struct sql_bind names[] = { { SQL_TEXT, column->set, strlen(column->set), 0 },
                                      { SQL_TEXT, column->field, strlen(column->field), 0 } };
    PGresult *result = NULL;
    int r = conn_run(conn,
                     "SELECT count(*), max(number) FILTER (WHERE field = $2),"
                     " coalesce(bool_or(indexed) FILTER (WHERE field = $2), false)"
                     " FROM ein_keys WHERE set_name = $1",
                     names, 2, &result, err);

    if (r < 0)
        return r;
    column->exists = !PQgetisnull(result, 0, 1);
    column->number =
        (int)(column->exists ? result_number(result, 0, 1) : result_number(result, 0, 0) + 1);
    column->indexed = *PQgetvalue(result, 0, 2) == 't';
    PQclear(result);
    if (column->number > KEYS_MAX)
        return error_set(err, EIN_E_INVALID, "'%s' has %d fields to filter or order by already",
                         column->set, KEYS_MAX);
    return 0;
}

/* The rows whose column is to be filled, as PostgreSQL writes arrays: {1,2} and {"\\x10","\\x40"}.
 */
struct filling {
    struct buf seqs, keys;
};

static void filling_done(struct filling *filling)
{
    buf_done(&filling->seqs);
    buf_done(&filling->keys);
}

static int add_key(struct filling *filling, const struct key *key, const char *seq,
                   const char *before)
{
    char *hex;

    if (buf_printf(&filling->seqs, "%s%s", before, seq) < 0 ||
        buf_printf(&filling->keys, "%s\"\\\\x", before) < 0 ||
        !(hex = buf_room(&filling->keys, key->len * 2)))
        return -1;
    hex_encode(key->data, key->len, hex);
    return buf_char(&filling->keys, '"');
}

static int add_row(struct filling *filling, const struct column *column, const PGresult *rows,
                   int row, struct ein_error *err)
{
    const struct doc_text doc = { .text = PQgetvalue(rows, row, 1),
                                  .len = (size_t)PQgetlength(rows, row, 1) };
    struct key key;

    if (scan_key_of(&doc, column->field, &key) < 0)
        return error_no_memory(err);
    int r = add_key(filling, &key, PQgetvalue(rows, row, 0), row ? "," : "{");
    key_done(&key);
    return r < 0 ? error_no_memory(err) : 0;
}

/* One statement for them all: the table is locked meanwhile. */
static int fill_rows(struct conn *conn, const struct column *column, const PGresult *rows,
                     struct ein_error *err)
{
    __attribute__((cleanup(filling_done))) struct filling filling = { BUF_INIT, BUF_INIT };
    char text[SQL_MAX];
    int r = 0;

    for (int row = 0; r >= 0 && row < PQntuples(rows); row++)
        r = add_row(&filling, column, rows, row, err);
    if (r < 0 || !PQntuples(rows))
        return r;
    if (buf_char(&filling.seqs, '}') < 0 || buf_char(&filling.keys, '}') < 0)
        return error_no_memory(err);

    const struct sql_bind binds[] = { { SQL_TEXT, filling.seqs.data, filling.seqs.len, 0 },
                                      { SQL_TEXT, filling.keys.data, filling.keys.len, 0 } };
    snprintf(text, sizeof(text),
             "UPDATE \"set_%s\" AS old SET k%d = new.key, keys = %d FROM"
             " unnest($1::bigint[], $2::bytea[]) AS new(seq, key) WHERE old.seq = new.seq",
             column->set, column->number, column->number);
    return conn_run(conn, text, binds, 2, NULL, err);
}

static int fill(struct conn *conn, const struct column *column, struct ein_error *err)
{
    char text[SQL_MAX];
    int r, count = FILL_ROWS;

    snprintf(text, sizeof(text), "DECLARE old_rows CURSOR FOR SELECT seq, body FROM \"set_%s\"",
             column->set);
    r = conn_script(conn, text, err);
    while (r >= 0 && count == FILL_ROWS) {
        PGresult *rows = NULL;

        snprintf(text, sizeof(text), "FETCH %d FROM old_rows", FILL_ROWS);
        r = conn_run(conn, text, NULL, 0, &rows, err);
        count = r < 0 ? 0 : PQntuples(rows);
        if (r >= 0)
            r = fill_rows(conn, column, rows, err);
        PQclear(rows);
    }
    return r < 0 ? r : conn_script(conn, "CLOSE old_rows", err);
}

static int add_column(struct conn *conn, const struct column *column, struct ein_error *err)
{
    const struct sql_bind row[] = { { SQL_TEXT, column->set, strlen(column->set), 0 },
                                    { SQL_TEXT, column->field, strlen(column->field), 0 },
                                    { SQL_NUMBER, NULL, 0, column->number } };
    char text[SQL_MAX];
    int r;

    snprintf(text, sizeof(text),
             "ALTER TABLE \"set_%s\" ADD COLUMN k%d bytea, DROP CONSTRAINT keys_are_up_to_date",
             column->set, column->number);
    r = conn_script(conn, text, err);
    if (r >= 0)
        r = fill(conn, column, err);
    snprintf(text, sizeof(text),
             "ALTER TABLE \"set_%s\" ADD CONSTRAINT keys_are_up_to_date CHECK (keys = %d)",
             column->set, column->number);
    if (r >= 0)
        r = conn_script(conn, text, err);
    return r < 0 ? r
                 : conn_run(conn, "INSERT INTO ein_keys VALUES($1, $2, $3, false)", row, 3, NULL,
                            err);
}

/* What the planner is to know of an index, it learns from the rows that there are. */
static int add_index(struct conn *conn, const struct column *column, struct ein_error *err)
{
    const struct sql_bind names[] = { { SQL_TEXT, column->set, strlen(column->set), 0 },
                                      { SQL_TEXT, column->field, strlen(column->field), 0 } };
    char text[SQL_MAX];
    int r;

    snprintf(text, sizeof(text),
             "CREATE INDEX ON \"set_%s\"(substring(k%d, 1, %d), seq); ANALYZE \"set_%s\"",
             column->set, column->number, KEY_INDEXED, column->set);
    r = conn_script(conn, text, err);
    return r < 0 ? r
                 : conn_run(conn,
                            "UPDATE ein_keys SET indexed = true WHERE set_name = $1 AND field = $2",
                            names, 2, NULL, err);
}

static int make(struct conn *conn, struct column *column, bool indexed, struct ein_error *err)
{
    char text[SQL_MAX];
    int r;

    snprintf(text, sizeof(text),
             "SET LOCAL statement_timeout TO %" PRIu32 "; SET LOCAL lock_timeout TO 0;" LOCK_TABLES
             "; SET LOCAL lock_timeout TO %" PRIu32 "; LOCK TABLE \"set_%s\""
             " IN ACCESS EXCLUSIVE MODE",
             conn->store->index_ms, conn->store->lock_ms, column->set);
    r = conn_script(conn, text, err);
    if (r >= 0)
        r = look(conn, column, err);
    if (r >= 0 && !column->exists)
        r = add_column(conn, column, err);
    if (r >= 0 && indexed && !column->indexed)
        r = add_index(conn, column, err);
    return r;
}

int keys_need(struct conn *conn, const char *set, const char *field, bool indexed,
              struct ein_error *err)
{
    EIN_JSON json_t *known =
        indexed ? catalog_indexed(conn->store, set) : catalog_keys(conn->store, set);
    struct column column = { .set = set, .field = field };
    int r;

    if (strcmp(field, "_id") == 0 || json_object_get(known, field))
        return 0;
    conn->unhurried = true; /* many rows are written */
    r = conn_begin(conn, err);
    if (r >= 0)
        r = make(conn, &column, indexed, err);
    if (r >= 0)
        r = conn_commit(conn, err);
    conn->unhurried = false;
    return r < 0 ? r : catalog_load(conn, err);
}
