/* SPDX-License-Identifier: Apache-2.0 */
/* A field that is filtered or ordered by has a column of bytes that sort as its values do.
 *
 * A server that does not know of a column yet would write rows without it.  So each row says for
 * how many columns it was written, and a constraint lets in only those that know them all: who
 * is refused reads the catalog again. */
#include "member.h"
#include "postgres.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"

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

static int fill_row(struct conn *conn, const struct column *column, const PGresult *rows, int row,
                    struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    struct sql_bind binds[] = { { SQL_BYTES, NULL, 0, 0 },
                                { SQL_NUMBER, NULL, 0, result_number(rows, row, 3) } };
    char text[SQL_MAX];
    struct key key;
    int r = result_document(rows, row, 0, &doc, err);

    if (r < 0)
        return r;
    if (key_make(member_at(doc, column->field), &key) < 0)
        return error_no_memory(err);
    binds[0].data = key.data;
    binds[0].len = key.len;
    snprintf(text, sizeof(text), "UPDATE \"set_%s\" SET k%d = $1, keys = %d WHERE seq = $2",
             column->set, column->number, column->number);
    r = conn_run(conn, text, binds, 2, NULL, err);
    key_done(&key);
    return r;
}

static int fill(struct conn *conn, const struct column *column, struct ein_error *err)
{
    char text[SQL_MAX];
    int r, count = FILL_ROWS;

    snprintf(text, sizeof(text),
             "DECLARE old_rows CURSOR FOR SELECT id, rev, body, seq FROM \"set_%s\"", column->set);
    r = conn_script(conn, text, err);
    while (r >= 0 && count == FILL_ROWS) {
        PGresult *rows = NULL;

        snprintf(text, sizeof(text), "FETCH %d FROM old_rows", FILL_ROWS);
        r = conn_run(conn, text, NULL, 0, &rows, err);
        count = r < 0 ? 0 : PQntuples(rows);
        for (int row = 0; r >= 0 && row < count; row++)
            r = fill_row(conn, column, rows, row, err);
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
             "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;" LOCK_TABLES
             "; SET LOCAL lock_timeout TO %" PRIu32 "; LOCK TABLE \"set_%s\""
             " IN ACCESS EXCLUSIVE MODE",
             conn->store->lock_ms, column->set);
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
