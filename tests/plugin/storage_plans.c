/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugins ask of large sets costs what is found, not what there is: rows and steps are
 * counted, in a set of which most has the same owner, and nearly all the same value elsewhere. */
#include "storage.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>

enum {
    DOCS = 20000,
    BATCH = 5000,
    TIMES = 8,            /* a plan may become another when it was made often enough */
    STEPS_AT_ONCE = 10,   /* of SQLite's machine */
    STEPS_MAX = DOCS,     /* all of them take fifteen times as many */
    ROWS_MAX = DOCS / 10, /* of PostgreSQL's indexes and tables */
    WALK_STEPS_MAX = DOCS * 40,
    WALK_ROWS_MAX = DOCS * 4,
    RARE = 3
};

static const char *const indexes[] = { "userId,startedMs", "agentId",        "dueAt",
                                       "endsAt",           "userId,revoked", "runId",
                                       "userId,namespace", "userTime",       "actor,_id" };

static const struct {
    const char *where, *order;
    uint32_t limit;
} finds[] = {
    { "{'userId': 'few'}", "-startedMs", 100 },
    { "{'userId': 'big'}", "-startedMs", 100 },
    { "{'userId': 'busy', 'workspaceId': null}", "-startedMs", 100 },
    { "{'agentId': 'a7'}", "-startedMs", 100 },
    { "{'userId': 'few'}", NULL, 500 },
    { "{'userId': 'big'}", NULL, 500 },
    { "{'userId': 'nobody'}", NULL, 500 },
    { "{'userId': 'few', 'revoked': null}", NULL, 0 },
    { "{'userId': 'few', 'namespace': 'default'}", NULL, 0 },
    { "{'userId': 'few', 'endsAt': {'$gt': 10}}", "-startedMs", 0 },
    { "{'endsAt': {'$lte': 10}}", NULL, 100 },
    { "{'endsAt': {'$lte': 0}}", NULL, 100 },
    { "{'dueAt': {'$gt': 0, '$lt': 10}}", NULL, 100 },
    { "{'runId': 'r7', 'number': {'$lte': 7}}", "-number", 1 },
    { "{'userTime': {'$gte': 'big 000500', '$lt': 'big 000520'}}", "userTime", 500 },
    { "{'_id': {'$gt': 'd015000'}}", "_id", 100 },
    { "{'_id': {'$in': ['d015000', 'd1', 'd000007']}}", NULL, 0 },
    { "{'actor': 'few'}", "-_id", 100 },
    { NULL, "-_id", 100 },
    { NULL, NULL, 100 },
};

static int steps;

static int count_steps(void *data)
{
    steps += STEPS_AT_ONCE;
    return 0;
}

struct sqlite3_api_routines;

static int watch_steps(sqlite3 *handle, char **text, const struct sqlite3_api_routines *api)
{
    sqlite3_progress_handler(handle, STEPS_AT_ONCE, count_steps, NULL);
    return 0;
}

static bool is_postgres(void)
{
    return strcmp(storage_backend_name, "storage-postgres") == 0;
}

/* The number that SQL, with the store's schema in place of %s, gives. */
static long ask_postgres(const struct fixture *fixture, const char *sql)
{
    PGconn *pg = PQconnectdb(getenv("EIN_POSTGRES_URL"));
    char text[512], schema[64];

    snprintf(schema, sizeof(schema), "test_%s", fixture->folder + sizeof("/tmp/storage-test-") - 1);
    sqlite3_snprintf(sizeof(text), text, sql, schema, schema);
    PGresult *result = PQexec(pg, text);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", text, PQerrorMessage(pg));
    long number = PQntuples(result) ? atol(PQgetvalue(result, 0, 0)) : 0;
    PQclear(result);
    PQfinish(pg);
    return number;
}

static json_t *document(int i, const char *id)
{
    char user[32], agent[16], run[16], time[64];

    const char *is = i % 2 ? "big" : i < 2 * RARE ? "few" : i % 6 ? "u%d" : "busy";

    snprintf(user, sizeof(user), is, i % 997);
    snprintf(agent, sizeof(agent), "a%d", i % 499);
    snprintf(run, sizeof(run), "r%d", i / 10);
    snprintf(time, sizeof(time), "%s %06d", user, i);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:o}", "userId", user,
                     "actor", user, "agentId", agent, "runId", run, "userTime", time, "key", id,
                     "namespace", i % 30 ? "default" : "other", "startedMs", i, "number", i % 10,
                     "dueAt", i < RARE ? 5 : 1000000 + i, "endsAt", i < RARE ? 5 : 1000000 + i,
                     "revoked", i % 100 ? json_null() : json_integer(5));
}

static int count_doc(const json_t *doc, void *count)
{
    ++*(int *)count;
    return 0;
}

static void find_often(struct fixture *fixture, size_t i)
{
    EIN_JSON json_t *where = finds[i].where ? json_of(finds[i].where) : NULL;
    const char *const order[] = { finds[i].order, NULL };
    struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .order = order, .limit = finds[i].limit
    };

    for (int k = 0; k < TIMES; k++) {
        int count = 0;
        steps = 0;
        assert_int_equal(
            fixture->backend->find(fixture->impl, "things", &query, count_doc, &count, NULL, NULL),
            0);
    }
}

static void fill(struct fixture *fixture)
{
    static struct ein_doc_op ops[BATCH];
    static char ids[BATCH][16];

    for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++)
        assert_int_equal(fixture->backend->index(fixture->impl, "things", indexes[i], NULL), 0);
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) /* fields get their columns */
        find_often(fixture, i);
    for (int i = 0; i < DOCS; i++) {
        int at = i % BATCH;
        snprintf(ids[at], sizeof(ids[at]), "d%06d", i);
        ops[at] = (struct ein_doc_op){ .kind = EIN_DOC_PUT, .set = "things", .id = ids[at] };
        ops[at].doc = document(i, ids[at]);
        if (at < BATCH - 1)
            continue;
        assert_int_equal(batch(fixture, ops, BATCH, NULL), 0);
        for (int k = 0; k < BATCH; k++)
            json_decref((json_t *)ops[k].doc);
    }
}

/* Its sessions report when they end. */
static long rows_read(struct fixture *fixture)
{
    fixture_close(fixture);
    long rows = ask_postgres(
        fixture, "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = '%s'"
                 " AND relname = 'set_things') + sum(idx_tup_read)"
                 " FROM pg_stat_user_indexes WHERE schemaname = '%s' AND relname = 'set_things'");
    fixture_open(fixture, NULL);
    return rows;
}

/* Whoever reads everything gets it in portions, of which each reads its own. */
static void expect_walk(struct fixture *fixture)
{
    const char *const order[] = { "-startedMs", NULL };
    const struct ein_query query = { .struct_size = sizeof(query), .order = order };
    int count = 0;

    long before = is_postgres() ? rows_read(fixture) : 0;
    fixture_close(fixture);
    fixture_open(fixture, json_of("{'find_bytes': 65536}"));
    steps = 0;
    assert_int_equal(
        fixture->backend->find(fixture->impl, "things", &query, count_doc, &count, NULL, NULL), 0);
    assert_int_equal(count, DOCS);
    if (is_postgres())
        assert_in_range(rows_read(fixture) - before, DOCS, WALK_ROWS_MAX);
    else
        assert_in_range(steps, DOCS, WALK_STEPS_MAX);
}

static void what_plugins_ask_costs_what_is_found(void **state)
{
    struct fixture *fixture = *state;
    int wrong = 0;

    fill(fixture);
    if (is_postgres())
        (void)ask_postgres(fixture, "ANALYZE");
    long before = is_postgres() ? rows_read(fixture) : 0;
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        find_often(fixture, i);
        long after = is_postgres() ? rows_read(fixture) : 0;
        long cost = is_postgres() ? (after - before) / TIMES : steps;
        before = after;
        if (cost <= (is_postgres() ? ROWS_MAX : STEPS_MAX))
            continue;
        print_error("%s by %s: %ld\n", finds[i].where, finds[i].order, cost);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    expect_walk(fixture);
}

static void a_claim_costs_what_is_due(void **state)
{
    struct fixture *fixture = *state;
    int64_t now[] = { 1, 10 };

    if (is_postgres())
        skip(); /* its plan is that of a find */
    fill(fixture);
    for (int i = 0; i < 2; i++) {
        EIN_JSON json_t *doc = NULL;
        steps = 0;
        assert_int_equal(
            fixture->backend->claim(fixture->impl, "things", "dueAt", now[i], 1, &doc, NULL), i);
        assert_in_range(steps, 0, STEPS_MAX / 10);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(what_plugins_ask_costs_what_is_found),
        TEST(a_claim_costs_what_is_due),
    };

    storage_backend_name = argc > 1 ? argv[1] : "storage-sqlite";
    sqlite3_auto_extension((void (*)(void))watch_steps);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
