/* SPDX-License-Identifier: Apache-2.0 */
#include "storage.h"

#include <stdlib.h>

enum { THREADS = 64 };

struct worker {
    struct fixture *fixture;
    pthread_t thread;
    int number, done, failed; /* asserts belong to the test's own thread */
};

static void run_all(struct fixture *fixture, struct worker *workers, void *(*run)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .fixture = fixture, .number = i };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].failed, 0);
}

static void *add_ones(void *data)
{
    struct worker *worker = data;
    struct ein_doc_op op = {
        .kind = EIN_DOC_UPDATE, .set = "things", .id = "sum", .add_field = "n", .add_by = 1
    };

    for (int i = 0; i < 20; i++)
        worker->failed += batch(worker->fixture, &op, 1, NULL) < 0;
    return NULL;
}

static void no_addition_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];

    put(fixture, "sum", "{}");
    run_all(fixture, workers, add_ones);
    expect_members(fixture, "things", "sum", "{'n': 1280}");
}

static void *spend(void *data)
{
    struct worker *worker = data;
    struct ein_doc_op op = {
        .kind = EIN_DOC_UPDATE, .set = "things", .id = "purse", .add_field = "n", .add_by = -1
    };

    for (int i = 0; i < 10; i++) {
        int r = batch(worker->fixture, &op, 1, NULL);
        worker->done += r == 0;
        worker->failed += r < 0 && r != EIN_E_CONFLICT;
    }
    return NULL;
}

static void nobody_spends_more_than_there_is(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];
    int spent = 0;

    put(fixture, "purse", "{'n': 100}");
    run_all(fixture, workers, spend);
    for (int i = 0; i < THREADS; i++)
        spent += workers[i].done;
    assert_int_equal(spent, 100);
    expect_members(fixture, "things", "purse", "{'n': 0}");
}

static void *replace_what_was_read(void *data)
{
    struct worker *worker = data;

    while (worker->done < 5 && !worker->failed) {
        json_t *doc;
        if (worker->fixture->backend->get(worker->fixture->impl, "things", "x", &doc, NULL) < 0) {
            worker->failed++;
            continue;
        }
        json_int_t n = json_integer_value(json_object_get(doc, "n"));
        EIN_JSON json_t *next = json_pack("{s:I}", "n", n + 1);
        struct ein_doc_op op = { .kind = EIN_DOC_PUT,
                                 .set = "things",
                                 .id = "x",
                                 .doc = next,
                                 .expect = json_string_value(json_object_get(doc, "_rev")) };
        int r = batch(worker->fixture, &op, 1, NULL);
        worker->done += r == 0;
        worker->failed += r < 0 && r != EIN_E_CONFLICT;
        json_decref(doc);
    }
    return NULL;
}

static void a_write_that_expects_a_revision_loses_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];

    put(fixture, "x", "{'n': 0}");
    run_all(fixture, workers, replace_what_was_read);
    expect_members(fixture, "things", "x", "{'n': 320}");
}

static void *claim_all(void *data)
{
    struct worker *worker = data;
    json_t *doc;
    int r;

    while ((r = worker->fixture->backend->claim(worker->fixture->impl, "things", "due", 10, 1000,
                                                &doc, NULL)) > 0) {
        worker->done++;
        json_decref(doc);
    }
    worker->failed = r < 0;
    return NULL;
}

static void a_claim_has_one_winner(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];
    char id[16];
    int claimed = 0;

    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "job%d", i);
        put(fixture, id, "{'due': 1}");
    }
    run_all(fixture, workers, claim_all);
    for (int i = 0; i < THREADS; i++)
        claimed += workers[i].done;
    assert_int_equal(claimed, 100);
    assert_int_equal(tally(fixture, "things", "{'due': 1010}"), 100);
}

/* Money moves between accounts, in batches; whoever looks sees all of it. */
static void *move_money(void *data)
{
    struct worker *worker = data;
    unsigned seed = (unsigned)worker->number;
    char from[16], to[16];

    for (int i = 0; i < 15; i++) {
        snprintf(from, sizeof(from), "account%d", rand_r(&seed) % 10);
        snprintf(to, sizeof(to), "account%d", rand_r(&seed) % 10);
        struct ein_doc_op ops[] = {
            { .kind = EIN_DOC_UPDATE, .set = "things", .id = to, .add_field = "n", .add_by = 7 },
            { .kind = EIN_DOC_UPDATE, .set = "things", .id = from, .add_field = "n", .add_by = -7 },
        };
        int r = batch(worker->fixture, ops, 2, NULL);
        worker->failed += r < 0 && r != EIN_E_CONFLICT;
    }
    return NULL;
}

static int add_up(const json_t *doc, void *data)
{
    *(json_int_t *)data += json_integer_value(json_object_get(doc, "n"));
    return 0;
}

static void *look_on(void *data)
{
    struct worker *worker = data;

    for (int i = 0; i < 15; i++) {
        struct ein_query query = { .struct_size = sizeof(query) };
        json_int_t sum = 0;
        worker->failed += worker->fixture->backend->find(worker->fixture->impl, "things", &query,
                                                         add_up, &sum, NULL, NULL) < 0;
        worker->failed += sum != 1000;
    }
    return NULL;
}

static void *move_or_look(void *data)
{
    const struct worker *worker = data;

    return worker->number % 4 ? move_money(data) : look_on(data);
}

static void a_find_sees_one_state_of_all_documents(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];
    char id[16];

    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "account%d", i);
        put(fixture, id, "{'n': 100}");
    }
    run_all(fixture, workers, move_or_look);
}

/* Whoever wrote reads at least what it wrote, whatever others cache meanwhile. */
static void *write_then_read(void *data)
{
    struct worker *worker = data;
    char id[16];

    snprintf(id, sizeof(id), "shared%d", worker->number % 4);
    for (int i = 0; i < 25; i++) {
        struct ein_doc_op op = {
            .kind = EIN_DOC_UPDATE, .set = "things", .id = id, .add_field = "n", .add_by = 1
        };
        json_t *doc;
        if (batch(worker->fixture, &op, 1, NULL) < 0 ||
            worker->fixture->backend->get(worker->fixture->impl, "things", id, &doc, NULL) < 0) {
            worker->failed++;
            continue;
        }
        const char *found = json_string_value(json_object_get(doc, "_rev"));
        worker->failed += atoi(found) < atoi(op.ret_rev);
        worker->failed += json_integer_value(json_object_get(doc, "n")) != atoi(found) - 1;
        json_decref(doc);
    }
    return NULL;
}

static void a_read_sees_every_write_that_was_answered(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];

    for (int i = 0; i < 4; i++)
        put(fixture, (char[]){ 's', 'h', 'a', 'r', 'e', 'd', (char)('0' + i), 0 }, "{'n': 0}");
    run_all(fixture, workers, write_then_read);
    expect_members(fixture, "things", "shared0", "{'n': 400}");
}

static void *index_same_field(void *data)
{
    struct worker *worker = data;
    struct ein_doc_op op = { .kind = EIN_DOC_PUT, .set = "things", .id = "x" };
    EIN_JSON json_t *doc = json_pack("{s:i}", "n", worker->number);

    op.doc = doc;
    worker->failed += batch(worker->fixture, &op, 1, NULL) < 0;
    worker->failed +=
        worker->fixture->backend->index(worker->fixture->impl, "things", "n", NULL) < 0;
    return NULL;
}

static void an_index_may_be_declared_by_all_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];

    run_all(fixture, workers, index_same_field);
    assert_int_equal(tally(fixture, "things", "{'n': {'$gte': 0}}"), 1);
}

/* Every other worker's batches fail after they have written. */
static void *add_or_fail_late(void *data)
{
    struct worker *worker = data;
    bool fails = worker->number % 2;
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_UPDATE, .set = "things", .id = "sum", .add_field = "n", .add_by = 1 },
        { .kind = EIN_DOC_CHECK, .set = "things", .id = "sum", .expect = EIN_REV_NEW },
    };

    for (int i = 0; i < 20; i++) {
        int r = batch(worker->fixture, ops, fails ? 2 : 1, NULL);
        worker->failed += r != (fails ? EIN_E_CONFLICT : 0);
    }
    return NULL;
}

static void a_batch_that_fails_late_takes_no_neighbour_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];

    put(fixture, "sum", "{}");
    run_all(fixture, workers, add_or_fail_late);
    expect_members(fixture, "things", "sum", "{'n': 640}");
}

const struct CMUnitTest thread_tests[] = {
    TEST(no_addition_is_lost),
    TEST(a_batch_that_fails_late_takes_no_neighbour_with_it),
    TEST(nobody_spends_more_than_there_is),
    TEST(a_write_that_expects_a_revision_loses_no_other),
    TEST(a_claim_has_one_winner),
    TEST(a_find_sees_one_state_of_all_documents),
    TEST(a_read_sees_every_write_that_was_answered),
    TEST(an_index_may_be_declared_by_all_at_once),
};
const size_t thread_test_count = sizeof(thread_tests) / sizeof(thread_tests[0]);
