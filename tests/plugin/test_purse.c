/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/1 with a journal: calls that are paid out of what a server has set aside for many.
 * test_purse STORAGE; two instances on one store are two servers. */
#include "cleanup.h"
#include "ledgers.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *storage;

static struct fixture *fixture_now;

static json_t *config_of(const struct fixture *fixture)
{
    return json_pack("{s:s, s:i, s:i}", "journal", fixture->journal, "settle_ms", 5,
                     "purse_idle_ms", 3600000);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->both = two_servers_new(storage);
    snprintf(fixture->journal, sizeof(fixture->journal), "%s/journal", fixture->both->folder);
    for (int i = 0; i < SERVERS; i++)
        open_server(fixture, i, config_of(fixture));
    fixture_now = fixture;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < SERVERS; i++)
        fake_plugin_close(fixture->server[i].users);
    empty_folder(fixture->journal);
    two_servers_free(fixture->both);
    free(fixture);
    return 0;
}

/* ---- looking ---- */

static int keep_hold(const json_t *hold, void *ret)
{
    *(json_t **)ret = json_deep_copy(hold);
    return 0;
}

/* The only hold there is; json_decref. */
static json_t *the_hold(struct fixture *fixture)
{
    struct fake_host *host = fixture->both->host[0];
    json_t *hold = NULL;

    assert_int_equal(host->table.store->find(fake_host_ctx(host), "ledger_holds", NULL, keep_hold,
                                             &hold, NULL, NULL),
                     0);
    assert_non_null(hold);
    return hold;
}

/* ---- doing ---- */

static int reserve(struct fixture *fixture, int64_t bound, char hold[EIN_HOLD_SIZE])
{
    return reserve_at(fixture, 0, bound, hold);
}

static int settle(struct fixture *fixture, const char *hold, int64_t cost)
{
    return settle_at(fixture, 0, hold, cost);
}

/* The store catches up: a settled call is there after settle_ms, however long that is here. */
static void wait_for_entries(struct fixture *fixture, uint64_t count)
{
    for (int i = 0; store_count(fixture->both, "ledger_entries") < count; i++) {
        assert_true(i < 20000);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}

/* ---- one purse ---- */

static void many_calls_take_one_hold(void **state)
{
    struct fixture *fixture = *state;
    char hold[10][EIN_HOLD_SIZE];

    for (int i = 0; i < 10; i++)
        assert_int_equal(reserve(fixture, NANO / 10, hold[i]), 0);
    assert_int_equal(store_count(fixture->both, "ledger_holds"), 1);
    assert_int_equal(held(fixture), 16 * (NANO / 10));
    assert_int_equal(left(fixture) + held(fixture), 100 * NANO);

    for (int i = 0; i < 10; i++)
        assert_int_equal(settle(fixture, hold[i], i + 1), 0);
    wait_for_entries(fixture, 10);
    assert_int_equal(sum_of(fixture, "ledger_entries"), 55);
    assert_int_equal(left(fixture) + held(fixture), 100 * NANO - 55);
    assert_int_equal(number(fixture, "ledger_entries", hold[3], "costNano"), 4);

    close_server(fixture, 0);
    assert_int_equal(store_count(fixture->both, "ledger_holds"), 0);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(left(fixture), 100 * NANO - 55);
}

static void a_call_ends_once(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    char hold[EIN_HOLD_SIZE], other[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(reserve(fixture, 1000, other), 0);
    assert_int_equal(settle(fixture, hold, 1), 0);
    assert_int_equal(settle(fixture, hold, 1), EIN_E_CONFLICT);
    assert_int_equal(server->ledger->release(server->impl, hold, NULL), EIN_E_NOT_FOUND);
    assert_int_equal(server->ledger->extend(server->impl, other, 100000, NULL), 0);
    assert_int_equal(server->ledger->release(server->impl, other, NULL), 0);
    assert_int_equal(server->ledger->release(server->impl, other, NULL), EIN_E_NOT_FOUND);
    close_server(fixture, 0);
    assert_int_equal(left(fixture), 100 * NANO - 1);
    assert_int_equal(held(fixture), 0);
}

static void a_hold_is_its_users(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    const struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                            .cost = 1,
                                            .user_id = "dev_stub:bob" };
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(server->ledger->settle(server->impl, hold, &entry, NULL), EIN_E_INVALID);
    assert_int_equal(settle(fixture, hold, 1), 0);
}

static void an_entry_is_kept_as_it_was_said(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    EIN_JSON json_t *price = json_pack("{s:f, s:n}", "input", 0.15, "output");
    EIN_JSON json_t *metadata =
        json_pack("{s:s#, s:[i, {s:b}]}", "note", "\"q\" \0\n", 6, "n", 1, "deep", 1);
    struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                      .cost = 7,
                                      .user_id = USER,
                                      .model = "a \"b\" \\ \xc3\xbc\n",
                                      .input_tokens = UINT64_MAX,
                                      .price = price,
                                      .metadata = metadata };
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(server->ledger->settle(server->impl, hold, &entry, NULL), 0);
    wait_for_entries(fixture, 1);
    EIN_JSON json_t *doc = store_read(fixture->both, "ledger_entries", hold);
    const json_t *tokens = json_object_get(doc, "tokens");
    assert_string_equal(json_string_value(json_object_get(doc, "userId")), USER);
    assert_string_equal(json_string_value(json_object_get(doc, "model")), entry.model);
    assert_true(json_integer_value(json_object_get(tokens, "input")) == INT64_MAX);
    assert_int_equal(json_object_size(tokens), 1);
    assert_true(json_equal(json_object_get(doc, "price"), price));
    assert_true(json_equal(json_object_get(doc, "metadata"), metadata));
    assert_null(json_object_get(doc, "provider"));

    EIN_JSON json_t *deep = json_object();
    for (int i = 0; i < 600; i++)
        deep = json_pack("{s:o}", "d", deep);
    assert_int_equal(reserve(fixture, 1000, hold), 0);
    entry.metadata = deep;
    assert_int_equal(server->ledger->settle(server->impl, hold, &entry, NULL), EIN_E_INVALID);
    entry.metadata = NULL;
    entry.model = "\xff"; /* no text */
    assert_int_equal(server->ledger->settle(server->impl, hold, &entry, NULL), EIN_E_INVALID);
    entry.user_id = NULL;
    assert_int_equal(server->ledger->settle(server->impl, hold, &entry, NULL), EIN_E_INVALID);
    assert_int_equal(server->ledger->release(server->impl, hold, NULL), 0);
}

static void a_cost_above_its_bound_is_taken_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(settle(fixture, hold, 3 * NANO), 0);
    wait_for_entries(fixture, 1);
    assert_int_equal(left(fixture) + held(fixture), 97 * NANO);
    assert_int_equal(reserve(fixture, 1000, hold), 0); /* what is overdrawn is taken at once */
    assert_int_equal(held(fixture), 16000);
    close_server(fixture, 0);
    assert_int_equal(left(fixture) + held(fixture), 97 * NANO);
}

static void what_is_free_sets_nothing_aside(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 0, hold), 0);
    assert_int_equal(store_count(fixture->both, "ledger_holds"), 0);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", -NANO);
    assert_int_equal(settle(fixture, hold, 0), 0);
    assert_int_equal(reserve(fixture, 0, hold), 0);
    assert_int_equal(settle(fixture, hold, 7), 0); /* it was not free after all */
    wait_for_entries(fixture, 2);
    assert_int_equal(left(fixture), -NANO - 7);
    assert_int_equal(held(fixture), 0);
}

/* ---- little money ---- */

static void what_is_too_little_for_a_purse_is_held_call_by_call(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 7 * NANO, hold), 0);
    assert_int_equal(number(fixture, "ledger_holds", hold, "boundNano"), 7 * NANO);
    assert_int_equal(settle(fixture, hold, NANO), 0);
    assert_int_equal(left(fixture), 99 * NANO);
    assert_int_equal(held(fixture), 0);
}

static void the_last_money_is_not_in_the_purse(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], last[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(settle(fixture, hold, 1000), 0);
    assert_true(held(fixture) > 0);
    assert_int_equal(reserve(fixture, 100 * NANO - 1000, last), 0);
    assert_int_equal(reserve(fixture, 1, hold), EIN_E_DENIED);
}

static void what_an_administrator_takes_is_gone_at_once(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve_at(fixture, 1, 1000, hold), 0);
    assert_int_equal(settle_at(fixture, 1, hold, 1), 0);
    wait_for_entries(fixture, 1);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", 0); /* another server's doing */
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(held(fixture), 0);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", 0);
    assert_int_equal(reserve_at(fixture, 1, 1000, hold), EIN_E_DENIED);
}

/* ---- leases ---- */

static void an_idle_purse_lives_by_its_lease(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    EIN_JSON json_t *before = the_hold(fixture);
    const char *purse = json_string_value(json_object_get(before, "_id"));
    assert_int_equal(strncmp(hold, purse, strlen(purse)), 0);

    /* Its server is taken for dead: all goes back, and what it settles comes late, once. */
    set_integer(fixture, "ledger_holds", purse, "dueAt", 1);
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(left(fixture), 100 * NANO);
    assert_int_equal(number(fixture, "ledger_expired", purse, "boundNano"), 16000);
    assert_int_equal(settle(fixture, hold, 10), 0);
    wait_for_entries(fixture, 1);
    assert_int_equal(left(fixture), 100 * NANO - 10);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(number(fixture, "ledger_expired", purse, "boundNano"), 15990);

    /* The purse is not what it was: the next one is backed by the store again. */
    fake_host_tick(fixture->server[0].host);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(reserve(fixture, 1000, hold), 0);
        assert_int_equal(settle(fixture, hold, 1000), 0);
    }
    wait_for_entries(fixture, 21);
    close_server(fixture, 0);
    assert_int_equal(left(fixture), 100 * NANO - 10 - 20000);
    assert_int_equal(held(fixture), 0);
}

static void a_purse_with_a_long_call_keeps_its_lease(void **state)
{
    struct fixture *fixture = *state;
    struct server *server = &fixture->server[0];
    char hold[EIN_HOLD_SIZE];

    close_server(fixture, 0);
    open_server(fixture, 0,
                json_pack("{s:s, s:i}", "journal", fixture->journal, "hold_lease_ms", 400));
    assert_int_equal(server->ledger->reserve(server->impl, USER, 1000, 60000, hold, NULL), 0);
    EIN_JSON json_t *before = the_hold(fixture);
    nanosleep(&(struct timespec){ .tv_nsec = 150000000 }, NULL); /* more than a quarter */
    fake_host_tick(server->host);
    EIN_JSON json_t *after = the_hold(fixture);
    assert_true(json_integer_value(json_object_get(after, "dueAt")) >=
                json_integer_value(json_object_get(before, "dueAt")) + 100);
}

static void a_call_that_is_not_heard_of_again_is_said_to_be_unsettled(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(server->ledger->reserve(server->impl, USER, 1000, 1, hold, NULL), 0);
    nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    fake_host_tick(server->host);
    assert_int_equal(number(fixture, "ledger_expired", hold, "boundNano"), 1000);
    assert_int_equal(settle(fixture, hold, 5), 0);
    assert_int_equal(store_count(fixture->both, "ledger_expired"), 0);
    close_server(fixture, 0);
    assert_int_equal(left(fixture), 100 * NANO - 5);
    assert_int_equal(held(fixture), 0);
}

/* ---- the journal ---- */

static void write_journal(struct fixture *fixture, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", fixture->journal, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define ENTRY(cost)                                                                                \
    "\"entry\":{\"userId\":\"" USER "\",\"costNano\":" #cost ",\"tokens\":{},\"createdAtUs\":5}}"  \
    "\n"

/* What a killed server had settled: out of a purse that is held, that has expired, out of none, and
 * once more what the store has already. */
static void what_a_killed_server_has_settled_is_entered(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], text[1024];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    EIN_JSON json_t *doc = the_hold(fixture);
    const char *purse = json_string_value(json_object_get(doc, "_id"));
    close_server(fixture, 1);
    snprintf(text, sizeof(text),
             "{\"purse\":\"%s\",\"hold\":\"x.1\"," ENTRY(
                 100) "{\"purse\":\"%s\",\"hold\":\"x."
                      "1\"," ENTRY(100) "{\"hold\":\"y."
                                        "1\"," ENTRY(7) "not "
                                                        "JSON\n{"
                                                        "\"purse\":\"of "
                                                        "another "
                                                        "store\","
                                                        "\"hold\":\"z."
                                                        "1\"," ENTRY(9) "{\"purse"
                                                                        "\":\"%"
                                                                        "s\","
                                                                        "\"hold\":"
                                                                        "\"cut",
             purse, purse, purse);
    write_journal(fixture, "ledger-1.1", text);
    open_server(fixture, 1, config_of(fixture));
    assert_int_equal(store_count(fixture->both, "ledger_entries"), 2);
    assert_int_equal(left(fixture) + held(fixture), 100 * NANO - 107);
    assert_int_equal(number(fixture, "ledger_holds", purse, "boundNano"), 16000 - 100);
    assert_true(fake_host_logged(fixture->server[1].host, "of another store, or damaged"));

    close_server(fixture, 1);
    open_server(fixture, 1, config_of(fixture)); /* nothing is left in the journal */
    assert_int_equal(store_count(fixture->both, "ledger_entries"), 2);
}

static void come_between(struct fixture *fixture,
                         int (*batch)(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count,
                                      size_t stride, struct ein_error *err))
{
    struct fake_host *host = fixture->server[0].host;

    fixture->store = *host->table.store;
    fixture->store.batch = batch;
    host->table.store = &fixture->store;
}

static int refuse_batch(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                        struct ein_error *err)
{
    if (strcmp(ops[0].set, "ledger_entries") == 0 &&
        __atomic_fetch_sub(&fixture_now->refusals, 1, __ATOMIC_SEQ_CST) > 0) {
        *err = (struct ein_error){ EIN_E_UNAVAILABLE, "the store is on holiday" };
        return EIN_E_UNAVAILABLE;
    }
    return fixture_now->both->host[1]->table.store->batch(ctx, ops, count, stride, err);
}

/* The connection breaks when it has been done. */
static int lose_answer(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                       struct ein_error *err)
{
    int r = fixture_now->both->host[1]->table.store->batch(ctx, ops, count, stride, err);

    if (r < 0 || strcmp(ops[0].set, "ledger_holds") != 0 || fixture_now->refusals == 0)
        return r;
    fixture_now->refusals--;
    return EIN_E_UNAVAILABLE;
}

/* The connection breaks before. */
static int lose_request(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride,
                        struct ein_error *err)
{
    if (strcmp(ops[0].set, "ledger_holds") == 0 && fixture_now->refusals > 0) {
        fixture_now->refusals--;
        return EIN_E_UNAVAILABLE;
    }
    return fixture_now->both->host[1]->table.store->batch(ctx, ops, count, stride, err);
}

static int expire_hold(const json_t *hold, void *fixture)
{
    set_integer(fixture, "ledger_holds", json_string_value(json_object_get(hold, "_id")), "dueAt",
                1);
    return 0;
}

/* Also when all leases are over. */
static void expect_all_but(struct fixture *fixture, int64_t cost)
{
    struct fake_host *host = fixture->both->host[0];

    assert_int_equal(left(fixture) + held(fixture), 100 * NANO - cost);
    close_server(fixture, 0);
    assert_int_equal(left(fixture) + held(fixture), 100 * NANO - cost);
    assert_int_equal(host->table.store->find(fake_host_ctx(host), "ledger_holds", NULL, expire_hold,
                                             fixture, NULL, NULL),
                     0);
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(left(fixture), 100 * NANO - cost);
}

static void a_purse_that_may_have_been_filled_is_exact(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    come_between(fixture, lose_answer);
    fixture->refusals = 1; /* it is made */
    assert_int_equal(reserve(fixture, 1000, hold), EIN_E_UNAVAILABLE);
    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(settle(fixture, hold, 10), 0);
    wait_for_entries(fixture, 1);
    fixture->refusals = 1; /* it is filled */
    assert_int_equal(reserve(fixture, 50000, hold), EIN_E_UNAVAILABLE);
    assert_int_equal(reserve(fixture, 50000, hold), 0);
    assert_int_equal(settle(fixture, hold, 50), 0);
    wait_for_entries(fixture, 2);
    expect_all_but(fixture, 60);
}

static void expect_exact_giving_back(struct fixture *fixture)
{
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(settle(fixture, hold, 10), 0);
    wait_for_entries(fixture, 1);
    const int64_t before = left(fixture);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", 0); /* others want it back */
    fixture->refusals = 1;
    fake_host_tick(fixture->server[0].host);
    assert_int_equal(fixture->refusals, 0);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", left(fixture) + before);
    assert_int_equal(reserve(fixture, 1000, hold), 0);
    assert_int_equal(settle(fixture, hold, 20), 0);
    wait_for_entries(fixture, 2);
    expect_all_but(fixture, 30);
}

static void a_purse_that_was_given_back_without_an_answer_is_exact(void **state)
{
    come_between(*state, lose_answer);
    expect_exact_giving_back(*state);
}

static void a_purse_that_could_not_be_given_back_is_exact(void **state)
{
    come_between(*state, lose_request);
    expect_exact_giving_back(*state);
}

/* With "settle_pending": 1 the second call waits for the first. */
static void the_store_is_not_behind_by_more_than_it_may(void **state)
{
    struct fixture *fixture = *state;
    char hold[2][EIN_HOLD_SIZE];

    close_server(fixture, 0);
    fixture->server[0].users =
        open_started(fixture->server[0].host, "users",
                     json_pack("{s:s, s:i, s:i}", "journal", fixture->journal, "settle_ms", 10000,
                               "settle_pending", 1));
    const struct ein_service *service = fake_host_service(fixture->server[0].host, EIN_LEDGER);
    fixture->server[0].impl = service->impl;
    for (int i = 0; i < 2; i++)
        assert_int_equal(reserve(fixture, 1000, hold[i]), 0);
    assert_int_equal(settle(fixture, hold[0], 1), 0);
    assert_int_equal(store_count(fixture->both, "ledger_entries"), 0);
    assert_int_equal(settle(fixture, hold[1], 1), 0);
    assert_int_equal(store_count(fixture->both, "ledger_entries"), 1);
}

/* The journal keeps it meanwhile. */
static void a_store_that_fails_gets_it_later(void **state)
{
    struct fixture *fixture = *state;
    struct fake_host *host = fixture->server[0].host;
    char hold[EIN_HOLD_SIZE];

    come_between(fixture, refuse_batch);
    assert_int_equal(reserve(fixture, 1000, hold), 0);
    __atomic_store_n(&fixture->refusals, 1, __ATOMIC_SEQ_CST);
    assert_int_equal(settle(fixture, hold, 10), 0);
    wait_for_entries(fixture, 1);
    assert_true(fake_host_logged(host, "wait in the journal: the store is on holiday"));
    assert_int_equal(left(fixture) + held(fixture), 100 * NANO - 10);
}

/* What the first server writes down is written to a disk that is full. */
static void fill_journal(struct fixture *fixture)
{
    char link[64], path[256], expected[256];
    int full = open("/dev/full", O_WRONLY), found = 0;

    assert_true(full >= 0);
    snprintf(expected, sizeof(expected), "%s/ledger-0.", fixture->journal);
    for (int fd = 3; fd < 256; fd++) {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, path, sizeof(path) - 1);
        path[len < 0 ? 0 : len] = '\0';
        if (strstr(path, expected) && dup2(full, fd) == fd)
            found++;
    }
    close(full);
    assert_int_equal(found, 2);
}

static void what_the_journal_has_no_room_for_goes_to_the_store(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 1000, hold), 0);
    fill_journal(fixture);
    assert_int_equal(settle(fixture, hold, 10), 0);
    assert_int_equal(store_count(fixture->both, "ledger_entries"), 1);
    assert_int_equal(settle(fixture, hold, 10), EIN_E_CONFLICT);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(reserve(fixture, 1000, hold), 0);
        assert_int_equal(settle(fixture, hold, 1000), 0);
    }
    assert_int_equal(sum_of(fixture, "ledger_entries"), 20010);
    close_server(fixture, 0);
    assert_int_equal(left(fixture), 100 * NANO - 20010);
    assert_int_equal(held(fixture), 0);
}

static void servers_do_not_share_a_journal(void **state)
{
    struct fixture *fixture = *state;
    char path[256];

    for (int i = 0; i < SERVERS; i++) {
        snprintf(path, sizeof(path), "%s/ledger-%d.0", fixture->journal, i);
        assert_int_equal(access(path, F_OK), 0);
    }
    snprintf(path, sizeof(path), "%s/ledger-2.0", fixture->journal);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- many callers ---- */

static struct calls run_and_close(struct fixture *fixture, int64_t bound, int64_t cost, int count)
{
    struct calls calls = run(fixture, bound, cost, count);

    for (int i = 0; i < SERVERS; i++)
        close_server(fixture, i);
    return calls;
}

static void ten_of_sixty_four_fit_into_a_dollar(void **state)
{
    struct fixture *fixture = *state;
    struct calls sum;

    make_user(fixture, NANO);
    sum = run_and_close(fixture, NANO / 10, NANO / 10, 1);
    assert_int_equal(sum.paid, 10);
    assert_int_equal(sum.refused, CALLERS - 10);
    assert_int_equal(left(fixture), 0);
    assert_int_equal(sum_of(fixture, "ledger_entries"), NANO);
}

/* From plenty, which purses hold, to the last cent, which calls hold. */
static void nothing_is_lost_made_or_overspent(void **state)
{
    struct fixture *fixture = *state;
    struct calls sum;

    make_user(fixture, 10 * NANO);
    sum = run_and_close(fixture, NANO / 50, NANO / 60, 20);
    assert_int_equal(sum.failed, 0);
    assert_int_equal(sum.paid + sum.refused, CALLERS * 20);
    assert_true(sum.paid > 0 && sum.refused > 0);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(left(fixture) + sum_of(fixture, "ledger_entries"), 10 * NANO);
    assert_true(left(fixture) >= 0 && left(fixture) < NANO / 50 + NANO / 60);
    assert_int_equal(store_count(fixture->both, "ledger_entries"), sum.paid);
    assert_int_equal(store_count(fixture->both, "ledger_holds"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(many_calls_take_one_hold),
        TEST(a_call_ends_once),
        TEST(a_hold_is_its_users),
        TEST(an_entry_is_kept_as_it_was_said),
        TEST(a_cost_above_its_bound_is_taken_all_the_same),
        TEST(what_is_free_sets_nothing_aside),
        TEST(what_is_too_little_for_a_purse_is_held_call_by_call),
        TEST(the_last_money_is_not_in_the_purse),
        TEST(what_an_administrator_takes_is_gone_at_once),
        TEST(an_idle_purse_lives_by_its_lease),
        TEST(a_purse_with_a_long_call_keeps_its_lease),
        TEST(a_call_that_is_not_heard_of_again_is_said_to_be_unsettled),
        TEST(what_a_killed_server_has_settled_is_entered),
        TEST(the_store_is_not_behind_by_more_than_it_may),
        TEST(a_store_that_fails_gets_it_later),
        TEST(what_the_journal_has_no_room_for_goes_to_the_store),
        TEST(a_purse_that_may_have_been_filled_is_exact),
        TEST(a_purse_that_was_given_back_without_an_answer_is_exact),
        TEST(a_purse_that_could_not_be_given_back_is_exact),
        TEST(servers_do_not_share_a_journal),
        TEST(ten_of_sixty_four_fit_into_a_dollar),
        TEST(nothing_is_lost_made_or_overspent),
    };

    if (argc != 2)
        return fprintf(stderr, "usage: %s STORAGE\n", argv[0]), 2;
    storage = argv[1];
    return cmocka_run_group_tests_name("purse", tests, NULL, NULL);
}
