/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres.h"

#include "cleanup.h"
#include "clock.h"
#include "document.h"
#include "error.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    STATEMENTS_MAX = 256, /* prepared at once */
    BINDS_MAX = 65535,    /* of the protocol */
    SERVER_MIN = 130000,  /* incremental sorting */
    PIPELINE_MAX = 100,   /* statements whose results wait to be read */
    ANSWER_MS = 2000, /* that the database may take to say that the time of a statement is over */
    SAY_AGAIN_MS = 10000,
    STATE_LEN = 5, /* of an SQLSTATE */
    NUMBER_SIZE = 24,
    NAME_SIZE = UUID_SIZE + NUMBER_SIZE,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25
};

/* ---- what went wrong ---- */

#define AGAIN "Others are changing the same in the database: try again"

/* By SQLSTATE, or the beginning of one.  Its own words may name tables, files and users. */
static const struct {
    const char *state, *text;
    bool again; /* another transaction was in the way, or has changed the tables */
    bool lost;  /* this connection will not do it, another one may */
} failures[] = {
    { "23505", AGAIN, true, false },
    { "23514", AGAIN, true, false },
    { "40001", AGAIN, true, false },
    { "40P01", AGAIN, true, false },
    { "42703", AGAIN, true, false },
    { "42P01", AGAIN, true, false },
    { "42P07", AGAIN, true, false },
    { "42701", AGAIN, true, false },
    { "0A000", AGAIN, true, false }, /* "cached plan must not change result type" */
    { "25006", "The database is read-only", false, true },
    { "26000", "A pooler before the database has mixed up connections", false, true },
    { "42P05", "A pooler before the database has mixed up connections", false, true },
    { "42501", "The database does not permit this any more", false, false },
    { "53100", "The database's disk is full", false, false },
    { "53", "The database has not enough memory or connections", false, false },
    { "55P03", "Somebody has locked a table of the database", false, false },
    { "57014", "The database takes too long", false, false },
    { "58", "The database cannot read or write its files", false, false },
    { "08", "The connection to the database was lost", false, true },
    { "57", "The database is being stopped or started", false, true },
};

bool conn_lost(const struct conn *conn)
{
    return !conn->pg || conn->broken || PQstatus(conn->pg) != CONNECTION_OK;
}

/* What it says last before it ends a connection. */
static bool is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

void conn_say(struct postgres *store, const char *state, const char *text)
{
    uint64_t now = (uint64_t)clock_mono_ms() / SAY_AGAIN_MS, said = 0;

    memcpy(&said, state, strnlen(state, STATE_LEN));
    said |= now << (8 * STATE_LEN);
    if (__atomic_exchange_n(&store->said, said, __ATOMIC_RELAXED) != said)
        store->host->log_msg(store->ctx, EIN_WARN, "The database: %s (%s)", text, state);
}

static int fail(struct conn *conn, const PGresult *result, struct ein_error *err)
{
    struct postgres *store = conn->store;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    size_t i = 0, count = sizeof(failures) / sizeof(failures[0]);

    while (state && i < count && strncmp(state, failures[i].state, strlen(failures[i].state)) != 0)
        i++;
    bool known = state && i < count;
    conn->again = known && failures[i].again;
    /* Without a state they are libpq's own words; its status may lag behind. */
    bool gone = !state || is_fatal(result);
    conn->broken = gone || (known && failures[i].lost);
    if (!gone)
        conn->committing = false; /* it was not done, and there is nothing more to know */
    const char *lost =
        conn->late ? "The database does not answer" : "The connection to the database was lost";
    if (conn_lost(conn) && conn->committing)
        return error_set(err, EIN_E_UNAVAILABLE, "%s: whether this was written is not known", lost);
    if (conn->late)
        return error_set(err, EIN_E_UNAVAILABLE, "%s", lost);
    if (known && !conn->again && store->open)
        conn_say(store, state, text);
    if (known)
        return error_set(err, EIN_E_UNAVAILABLE, "%s", failures[i].text);
    if (conn_lost(conn))
        return error_set(err, EIN_E_UNAVAILABLE, "%s", lost);
    return error_set(err, EIN_E_INTERNAL, "The database: %s", text ? text : state);
}

/* ---- waiting ---- */

/* Until PQgetResult() does not wait.  False: the database has not answered in time, and what is on
 * its way will not be waited for. */
static bool await(struct conn *conn)
{
    uint32_t most_ms = conn->unhurried ? conn->store->index_ms : conn->store->statement_ms;
    int64_t until_ms = clock_mono_ms() + most_ms + ANSWER_MS;
    int unsent;

    while (!conn_lost(conn) && ((unsent = PQflush(conn->pg)) > 0 || PQisBusy(conn->pg))) {
        struct pollfd at = { PQsocket(conn->pg), (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
                             0 };
        int64_t left_ms = until_ms - clock_mono_ms();

        if (unsent < 0)
            return true; /* PQgetResult() knows why */
        if (left_ms <= 0)
            conn->late = conn->broken = true;
        else if (poll(&at, 1, (int)left_ms) < 0 && errno != EINTR)
            conn->broken = true;
        else if (!PQconsumeInput(conn->pg))
            return true;
    }
    return !conn->broken;
}

static PGresult *next_result(struct conn *conn)
{
    return await(conn) ? PQgetResult(conn->pg) : NULL;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* What came of the statements that were just sent: the first that failed, else the last.
 * PQclear. */
static PGresult *outcome(struct conn *conn, int sent)
{
    PGresult *result = NULL, *next;

    while (sent && (next = next_result(conn))) {
        bool failed = result && !is_good(result);

        PQclear(failed ? next : result);
        result = failed ? result : next;
    }
    if (!conn->late)
        return result;
    PQclear(result);
    return NULL;
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
                            "SET lock_timeout TO %" PRIu32 ";"
                            "SET idle_in_transaction_session_timeout TO %" PRIu32 ";"
                            "SET default_transaction_isolation TO 'read committed';"
                            "SET client_min_messages TO warning;"
                            "SET bytea_output TO hex; SET standard_conforming_strings TO on",
                            quoted, conn->store->statement_ms, conn->store->lock_ms,
                            conn->store->statement_ms) < 0)
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

/* What libpq says names hosts and users, never passwords. */
static int cannot_reach(const struct conn *conn, struct ein_error *err)
{
    int r = error_set(err, EIN_E_UNAVAILABLE, "The database cannot be reached: %s",
                      PQerrorMessage(conn->pg));

    for (char *c = err ? err->text : NULL; c && *c; c++)
        if (*c == '\n')
            *c = c[1] ? ' ' : '\0';
    return r;
}

/* What is said before `dbname`, the URL may say otherwise: of several hosts the one that can be
 * written to; and one that is not there any more is noticed as soon as a new one would be. */
int conn_open(struct conn *conn, struct ein_error *err)
{
    char connect_s[NUMBER_SIZE], connect_ms[NUMBER_SIZE];
    const char *const names[] = { "target_session_attrs",      "tcp_user_timeout",
                                  "keepalives_idle",           "dbname",
                                  "connect_timeout",           "client_encoding",
                                  "fallback_application_name", NULL };
    const char *const values[] = { "read-write", connect_ms, connect_s, conn->store->url,
                                   connect_s,    "UTF8",     "einion",  NULL };
    int r;

    conn_close(conn);
    uuid_make(conn->name);
    conn->committing = conn->broken = conn->late = conn->unhurried = false;
    snprintf(connect_s, sizeof(connect_s), "%" PRIu32, conn->store->connect_s);
    snprintf(connect_ms, sizeof(connect_ms), "%" PRIu32, conn->store->connect_s * 1000);
    conn->pg = PQconnectdbParams(names, values, 1);
    conn->statements = json_object();
    if (!conn->pg || !conn->statements)
        return error_no_memory(err);
    if (PQstatus(conn->pg) != CONNECTION_OK)
        return cannot_reach(conn, err);
    (void)PQsetnonblocking(conn->pg, 1);
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
    PGresult *result = outcome(conn, PQsendQuery(conn->pg, text));
    int r = is_good(result) ? 0 : fail(conn, result, err);

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

/* The name of TEXT on this connection; *ret_new: it has still to be prepared.  No other connection
 * has it: a pooler that mixes them up is not to run what another one calls so. */
static int name_of(struct conn *conn, const char *text, char ret_name[NAME_SIZE], bool *ret_new,
                   struct ein_error *err)
{
    const json_t *number = json_object_get(conn->statements, text);
    size_t next;
    int r = 0;

    *ret_new = !number;
    if (number) {
        snprintf(ret_name, NAME_SIZE, "%s %d", conn->name, (int)json_integer_value(number));
        return 0;
    }
    if (json_object_size(conn->statements) >= STATEMENTS_MAX && !conn->sent)
        r = forget_statements(conn, err);
    next = json_object_size(conn->statements);
    snprintf(ret_name, NAME_SIZE, "%s %zu", conn->name, next);
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
                   char ret_name[NAME_SIZE], struct ein_error *err)
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
    result = outcome(conn, PQsendPrepare(conn->pg, ret_name, text, (int)count, types));
    r = is_good(result) ? 0 : fail(conn, result, err);
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

/* NAME is that of TEXT, prepared; NULL: it is not. */
static int run(struct conn *conn, const char *name, const char *text, const struct sql_bind *binds,
               size_t count, PGresult **ret_result, struct ein_error *err)
{
    struct parameters parameters = { 0 };
    EIN_FREE Oid *types = name ? NULL : types_of(binds, count);
    PGresult *result = NULL;
    int r = 0, sent;

    if (count > BINDS_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "A query has at most %d values", BINDS_MAX);
    if (!parameters_make(&parameters, binds, count) || (!name && !types)) {
        r = error_no_memory(err);
    } else {
        sent = name ? PQsendQueryPrepared(conn->pg, name, (int)count, parameters.values,
                                          parameters.lens, parameters.formats, 0)
                    : PQsendQueryParams(conn->pg, text, (int)count, types, parameters.values,
                                        parameters.lens, parameters.formats, 0);
        result = outcome(conn, sent);
        if (!is_good(result))
            r = fail(conn, result, err);
    }
    parameters_done(&parameters);
    if (r == 0 && ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return r;
}

int conn_run(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
             PGresult **ret_result, struct ein_error *err)
{
    char name[NAME_SIZE];
    int r = prepare(conn, text, binds, count, name, err);

    return r < 0 ? r : run(conn, name, text, binds, count, ret_result, err);
}

int conn_ask(struct conn *conn, const char *text, const struct sql_bind *binds, size_t count,
             PGresult **ret_result, struct ein_error *err)
{
    return run(conn, NULL, text, binds, count, ret_result, err);
}

static int session_of(struct conn *conn, int64_t *ret_pid, struct ein_error *err)
{
    PGresult *result = NULL;
    int r = conn_ask(conn, "SELECT pg_backend_pid()", NULL, 0, &result, err);

    if (r >= 0)
        *ret_pid = result_number(result, 0, 0);
    PQclear(result);
    return r;
}

int conn_check_session(struct conn *conn, void *data, struct ein_error *err)
{
    struct conn other = { .store = conn->store };
    int64_t pid = 0, of_other = 0;
    int r = session_of(conn, &pid, err);

    (void)data;
    if (r >= 0 && conn_open(&other, NULL) >= 0)
        (void)session_of(&other, &of_other, NULL);
    conn_close(&other);
    if (r < 0 || pid != of_other)
        return r;
    return error_set(err, EIN_E_UNSUPPORTED,
                     "Two connections have one session of the database: a pooler before it has to "
                     "give each its own (PgBouncer: pool_mode = session)");
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
        PGresult *result = next_result(conn), *rest;

        if (r == 0 && !is_good(result))
            r = fail(conn, result, err);
        PQclear(result);
        while (!conn_lost(conn) && (rest = next_result(conn)))
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
    PQclear(next_result(conn)); /* of the synchronisation */
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
    char name[NAME_SIZE];
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
