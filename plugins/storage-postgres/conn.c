/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    STATEMENTS_MAX = 256, /* prepared at once */
    BINDS_MAX = 65535,    /* of the protocol */
    SERVER_MIN = 130000,  /* incremental sorting */
    PIPELINE_MAX = 100,   /* statements whose results wait to be read */
    NUMBER_SIZE = 24,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25
};

/* ---- what went wrong ---- */

/* By SQLSTATE, or the beginning of one. */
static const struct {
    const char *state;
    int code;
    bool again; /* another transaction was in the way, or has changed the tables */
} failures[] = {
    { "23505", EIN_E_BUSY, true },      { "23514", EIN_E_BUSY, true },
    { "40001", EIN_E_BUSY, true },      { "40P01", EIN_E_BUSY, true },
    { "42703", EIN_E_BUSY, true },      { "42P01", EIN_E_BUSY, true },
    { "42P07", EIN_E_BUSY, true },      { "42701", EIN_E_BUSY, true },
    { "0A000", EIN_E_BUSY, true }, /* "cached plan must not change result type" */
    { "57014", EIN_E_TIMEOUT, false },  { "08", EIN_E_UNAVAILABLE, false },
    { "53", EIN_E_UNAVAILABLE, false }, { "57", EIN_E_UNAVAILABLE, false },
};

bool conn_lost(const struct conn *conn)
{
    return !conn->pg || conn->broken || PQstatus(conn->pg) != CONNECTION_OK;
}

static int fail(struct conn *conn, const PGresult *result, struct ein_error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    conn->again = false;
    conn->broken = !state; /* libpq's own words; its status may lag behind */
    if (conn_lost(conn))
        return error_set(err, EIN_E_UNAVAILABLE,
                         conn->committing ? "The connection to the database was lost: whether this "
                                            "was written is not known"
                                          : "The connection to the database was lost");
    for (size_t i = 0; state && i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (strncmp(state, failures[i].state, strlen(failures[i].state)) != 0)
            continue;
        conn->again = failures[i].again;
        return error_set(err, failures[i].code, "The database: %s", text ? text : state);
    }
    return error_set(err, EIN_E_INTERNAL, "The database: %s", text ? text : state);
}

/* ---- connecting ---- */

static int check_server(struct conn *conn, struct ein_error *err)
{
    const char *encoding = PQparameterStatus(conn->pg, "server_encoding");

    if (PQserverVersion(conn->pg) < SERVER_MIN)
        return error_set(err, EIN_E_UNSUPPORTED, "PostgreSQL %d is too old: 13 is needed",
                         PQserverVersion(conn->pg) / 10000);
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return error_set(err, EIN_E_UNSUPPORTED, "The database's encoding is %s, not UTF8",
                         encoding ? encoding : "unknown");
    return 0;
}

/* What was answered is on disk, whatever the server's own settings say. */
static int set_manners(struct conn *conn, struct ein_error *err)
{
    char *quoted = PQescapeIdentifier(conn->pg, conn->store->schema, strlen(conn->store->schema));
    EIN_FREE char *text = NULL;
    int r;

    if (!quoted || asprintf(&text,
                            "SET search_path TO %s; SET synchronous_commit TO on;"
                            "SET statement_timeout TO %" PRIu32 ";"
                            "SET default_transaction_isolation TO 'read committed';"
                            "SET client_min_messages TO warning;"
                            "SET bytea_output TO hex; SET standard_conforming_strings TO on",
                            quoted, conn->store->statement_ms) < 0)
        r = error_no_memory(err);
    else
        r = conn_script(conn, text, err);
    PQfreemem(quoted);
    return r;
}

static void ignore_notice(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

int conn_open(struct conn *conn, struct ein_error *err)
{
    char connect_s[NUMBER_SIZE];
    const char *const names[] = { "dbname", "connect_timeout", "client_encoding",
                                  "fallback_application_name", NULL };
    const char *const values[] = { conn->store->url, connect_s, "UTF8", "einion", NULL };
    int r;

    conn_close(conn);
    conn->committing = conn->broken = false;
    snprintf(connect_s, sizeof(connect_s), "%" PRIu32, conn->store->connect_s);
    conn->pg = PQconnectdbParams(names, values, 1);
    conn->statements = json_object();
    if (!conn->pg || !conn->statements)
        return error_no_memory(err);
    if (PQstatus(conn->pg) != CONNECTION_OK) {
        /* What libpq says may name the host and the user, never the password. */
        r = error_set(err, EIN_E_UNAVAILABLE, "The database cannot be reached: %s",
                      PQerrorMessage(conn->pg));
        for (char *c = err ? err->text : NULL; c && *c; c++)
            if (*c == '\n')
                *c = c[1] ? ' ' : '\0';
        return r;
    }
    (void)PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
    r = check_server(conn, err);
    return r < 0 ? r : set_manners(conn, err);
}

void conn_close(struct conn *conn)
{
    PQfinish(conn->pg);
    json_decref(conn->statements);
    conn->pg = NULL;
    conn->statements = NULL;
}

/* ---- statements ---- */

int conn_script(struct conn *conn, const char *text, struct ein_error *err)
{
    PGresult *result = PQexec(conn->pg, text);
    ExecStatusType status = PQresultStatus(result);
    int r = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : fail(conn, result, err);

    PQclear(result);
    return r;
}

static Oid oid_of(const struct sql_bind *bind)
{
    return bind->type == SQL_NUMBER ? OID_INT8 : bind->type == SQL_TEXT ? OID_TEXT : OID_BYTEA;
}

static int forget_statements(struct conn *conn, struct ein_error *err)
{
    (void)json_object_clear(conn->statements);
    return conn_script(conn, "DEALLOCATE ALL", err);
}

/* The name of TEXT on this connection; *ret_new: it has still to be prepared. */
static int name_of(struct conn *conn, const char *text, char ret_name[NUMBER_SIZE], bool *ret_new,
                   struct ein_error *err)
{
    const json_t *number = json_object_get(conn->statements, text);
    size_t next;
    int r = 0;

    *ret_new = !number;
    if (number) {
        snprintf(ret_name, NUMBER_SIZE, "s%d", (int)json_integer_value(number));
        return 0;
    }
    if (json_object_size(conn->statements) >= STATEMENTS_MAX && !conn->sent)
        r = forget_statements(conn, err);
    next = json_object_size(conn->statements);
    snprintf(ret_name, NUMBER_SIZE, "s%zu", next);
    if (r >= 0 && json_object_set_new(conn->statements, text, json_integer((json_int_t)next)) < 0)
        r = error_no_memory(err);
    return r;
}

static Oid *types_of(const struct sql_bind *binds, size_t count)
{
    Oid *types = calloc(count + 1, sizeof(*types));

    for (size_t i = 0; types && i < count; i++)
        types[i] = oid_of(&binds[i]);
    return types;
}

/* The name of TEXT, prepared on this connection. */
static int prepare(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
                   char ret_name[NUMBER_SIZE], struct ein_error *err)
{
    EIN_FREE Oid *types = NULL;
    PGresult *result;
    bool is_new;
    int r = name_of(conn, text, ret_name, &is_new, err);

    if (r < 0 || !is_new)
        return r;
    types = types_of(binds, count);
    if (!types)
        return error_no_memory(err);
    result = PQprepare(conn->pg, ret_name, text, (int)count, types);
    r = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : fail(conn, result, err);
    PQclear(result);
    if (r < 0)
        (void)json_object_del(conn->statements, text);
    return r;
}

struct parameters {
    const char **values;
    int *lens, *formats;
    char (*numbers)[NUMBER_SIZE];
};

static void parameters_done(struct parameters *parameters)
{
    free(parameters->values);
    free(parameters->lens);
    free(parameters->formats);
    free(parameters->numbers);
}

static bool parameters_make(struct parameters *parameters, const struct sql_bind *binds,
                            size_t count)
{
    parameters->values = calloc(count + 1, sizeof(*parameters->values));
    parameters->lens = calloc(count + 1, sizeof(*parameters->lens));
    parameters->formats = calloc(count + 1, sizeof(*parameters->formats));
    parameters->numbers = calloc(count + 1, sizeof(*parameters->numbers));
    if (!parameters->values || !parameters->lens || !parameters->formats || !parameters->numbers)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct sql_bind *bind = &binds[i];

        parameters->values[i] = bind->data;
        parameters->lens[i] = (int)bind->len;
        parameters->formats[i] = 1; /* binary: text need not be NUL-ended */
        if (bind->type != SQL_NUMBER)
            continue;
        snprintf(parameters->numbers[i], NUMBER_SIZE, "%" PRId64, bind->number);
        parameters->values[i] = parameters->numbers[i];
        parameters->formats[i] = 0;
    }
    return true;
}

int conn_run(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
             PGresult **ret_result, struct ein_error *err)
{
    struct parameters parameters = { 0 };
    char name[NUMBER_SIZE];
    PGresult *result = NULL;
    ExecStatusType status;
    int r;

    if (count > BINDS_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "A query has at most %d values", BINDS_MAX);
    r = prepare(conn, text, binds, count, name, err);
    if (r == 0 && !parameters_make(&parameters, binds, count))
        r = error_no_memory(err);
    if (r == 0) {
        result = PQexecPrepared(conn->pg, name, (int)count, parameters.values, parameters.lens,
                                parameters.formats, 0);
        status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            r = fail(conn, result, err);
    }
    parameters_done(&parameters);
    if (r == 0 && ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return r;
}

int conn_begin(struct conn *conn, struct ein_error *err)
{
    return conn_script(conn, "BEGIN", err);
}

int conn_commit(struct conn *conn, struct ein_error *err)
{
    int r;

    conn->committing = true;
    r = conn_script(conn, "COMMIT", err);
    if (r == 0 || !conn_lost(conn))
        conn->committing = false;
    return r;
}

/* ---- pipelines ---- */

/* Each statement's result is followed by none.  The first failure counts: what comes after it was
 * not done. */
static int read_results(struct conn *conn, struct ein_error *err)
{
    int r = 0;

    for (; conn->sent > 0; conn->sent--) {
        PGresult *result = PQgetResult(conn->pg), *rest;
        ExecStatusType status = PQresultStatus(result);

        if (r == 0 && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            r = fail(conn, result, err);
        PQclear(result);
        while (!conn_lost(conn) && (rest = PQgetResult(conn->pg)))
            PQclear(rest);
    }
    return r;
}

/* Waits for what was sent.  Statements that were to be prepared may not have been. */
static int sync_pipeline(struct conn *conn, struct ein_error *err)
{
    bool again;
    int r = 0;

    if (!PQpipelineSync(conn->pg))
        r = fail(conn, NULL, err);
    if (r == 0)
        r = read_results(conn, err);
    conn->sent = 0;
    PQclear(PQgetResult(conn->pg)); /* of the synchronisation */
    if (r == 0 || conn_lost(conn))
        return r;
    again = conn->again;
    if (PQexitPipelineMode(conn->pg) && conn_script(conn, "ROLLBACK", NULL) == 0)
        (void)forget_statements(conn, NULL);
    conn->again = again;
    return r;
}

int conn_pipeline(struct conn *conn, struct ein_error *err)
{
    conn->sent = 0;
    return PQenterPipelineMode(conn->pg) ? 0 : fail(conn, NULL, err);
}

/* Results that nobody reads fill the socket, and then neither side gets on. */
static int make_way(struct conn *conn, struct ein_error *err)
{
    return conn->sent < PIPELINE_MAX ? 0 : sync_pipeline(conn, err);
}

static int send_prepare(struct conn *conn, const char *name, const char *text,
                        const struct sql_bind *binds, size_t count, struct ein_error *err)
{
    EIN_FREE Oid *types = types_of(binds, count);

    if (!types)
        return error_no_memory(err);
    if (!PQsendPrepare(conn->pg, name, text, (int)count, types))
        return fail(conn, NULL, err);
    conn->sent++;
    return 0;
}

int conn_send(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
              struct ein_error *err)
{
    struct parameters parameters = { 0 };
    char name[NUMBER_SIZE];
    bool is_new;
    int r = make_way(conn, err);

    if (r >= 0)
        r = name_of(conn, text, name, &is_new, err);
    if (r >= 0 && is_new)
        r = send_prepare(conn, name, text, binds, count, err);
    if (r >= 0 && !parameters_make(&parameters, binds, count))
        r = error_no_memory(err);
    if (r >= 0 && !PQsendQueryPrepared(conn->pg, name, (int)count, parameters.values,
                                       parameters.lens, parameters.formats, 0))
        r = fail(conn, NULL, err);
    parameters_done(&parameters);
    if (r >= 0)
        conn->sent++;
    return r;
}

int conn_finish(struct conn *conn, int r, struct ein_error *err)
{
    if (r >= 0) {
        conn->committing = true;
        r = conn_send(conn, "COMMIT", NULL, 0, err);
    }
    if (PQpipelineStatus(conn->pg) == PQ_PIPELINE_OFF)
        return r; /* it failed on the way, and was cleaned up */
    int synced = sync_pipeline(conn, r < 0 ? NULL : err);
    if (r >= 0)
        r = synced;
    if (!conn_lost(conn))
        conn->committing = false;
    if (PQpipelineStatus(conn->pg) != PQ_PIPELINE_OFF && !PQexitPipelineMode(conn->pg) && r >= 0)
        r = fail(conn, NULL, err);
    return r;
}
