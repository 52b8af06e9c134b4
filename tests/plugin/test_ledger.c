/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/1 and model_keys/1 of the plugin users.  test_ledger STORAGE: what is promised holds on
 * each of them; two instances on one store are two servers. */
#include "cleanup.h"
#include "ledgers.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *storage;

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->both = two_servers_new(storage);
    for (int i = 0; i < SERVERS; i++) /* keys are put into the vault itself */
        open_server(fixture, i, json_pack("{s:i}", "no_key_ms", 0));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < SERVERS; i++)
        close_server(fixture, i);
    two_servers_free(fixture->both);
    free(fixture);
    return 0;
}

static int reserve(struct fixture *fixture, int64_t bound, char hold[EIN_HOLD_SIZE])
{
    return reserve_at(fixture, 0, bound, hold);
}

static int settle(struct fixture *fixture, const char *hold, int64_t cost)
{
    return settle_at(fixture, 1, hold, cost); /* any server may */
}

/* ---- one call ---- */

static void a_call_is_set_aside_then_paid(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 3 * NANO, hold), 0);
    assert_int_equal(left(fixture), 97 * NANO);
    assert_int_equal(held(fixture), 3 * NANO);
    assert_int_equal(settle(fixture, hold, 1), 0);
    assert_int_equal(left(fixture), 100 * NANO - 1);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(number(fixture, "ledger_entries", hold, "costNano"), 1);
    assert_int_equal(settle(fixture, hold, 1), EIN_E_CONFLICT);
    assert_int_equal(left(fixture), 100 * NANO - 1);
}

static void a_call_that_did_not_happen_costs_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, NANO, hold), 0);
    assert_int_equal(server->ledger->release(server->impl, hold, NULL), 0);
    assert_int_equal(server->ledger->release(server->impl, hold, NULL), EIN_E_NOT_FOUND);
    assert_int_equal(left(fixture), 100 * NANO);
    assert_int_equal(held(fixture), 0);
}

static void what_is_not_left_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    struct ein_error err;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(server->ledger->reserve(server->impl, USER, 100 * NANO + 1, 0, hold, &err),
                     EIN_E_DENIED);
    assert_string_equal(err.text, "Insufficient spend allowance to complete request");
    assert_int_equal(reserve(fixture, 100 * NANO, hold), 0);
    assert_int_equal(reserve(fixture, 1, hold), EIN_E_DENIED);
    assert_int_equal(reserve(fixture, 0, hold), 0);
    assert_int_equal(server->ledger->reserve(server->impl, USER, -1, 0, hold, &err), EIN_E_INVALID);
    assert_int_equal(server->ledger->reserve(server->impl, "", 1, 0, hold, &err), EIN_E_INVALID);
    assert_int_equal(server->ledger->reserve(server->impl, USER, INT64_MAX, 0, hold, &err),
                     EIN_E_INVALID);
}

static void a_cost_above_its_bound_is_taken_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    make_user(fixture, NANO);
    assert_int_equal(reserve(fixture, NANO, hold), 0);
    assert_int_equal(settle(fixture, hold, 3 * NANO), 0);
    assert_int_equal(left(fixture), -2 * NANO);
    assert_int_equal(reserve(fixture, 1, hold), EIN_E_DENIED);
}

static void a_hold_is_its_users(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    const struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                            .cost = 1,
                                            .user_id = "dev_stub:bob" };
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, NANO, hold), 0);
    assert_int_equal(server->ledger->settle(server->impl, hold, &entry, NULL), EIN_E_INVALID);
    assert_int_equal(held(fixture), NANO);
}

/* ---- leases ---- */

static void a_hold_of_a_dead_server_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], other[EIN_HOLD_SIZE];

    make_user(fixture, NANO);
    assert_int_equal(reserve(fixture, NANO, hold), 0);
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(held(fixture), NANO); /* it still may live */

    set_integer(fixture, "ledger_holds", hold, "dueAt", 1);
    fake_host_tick(fixture->server[1].host);
    fake_host_tick(fixture->server[0].host);
    assert_int_equal(left(fixture), NANO);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(number(fixture, "ledger_expired", hold, "boundNano"), NANO);

    /* And it is settled when its server turns out to live. */
    assert_int_equal(settle(fixture, hold, NANO / 2), 0);
    assert_int_equal(left(fixture), NANO / 2);
    assert_int_equal(store_count(fixture->both, "ledger_expired"), 0);
    assert_int_equal(settle(fixture, hold, NANO / 2), EIN_E_CONFLICT);
    assert_int_equal(reserve(fixture, NANO / 2, other), 0);
}

static void a_hold_that_holds_back_is_looked_at_when_it_matters(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], other[EIN_HOLD_SIZE];

    make_user(fixture, NANO);
    assert_int_equal(reserve(fixture, NANO, hold), 0);
    set_integer(fixture, "ledger_holds", hold, "dueAt", 1);
    assert_int_equal(reserve(fixture, NANO, other), 0);
    assert_int_equal(reserve(fixture, NANO, other), EIN_E_DENIED);
}

static void a_hold_that_is_extended_stays(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, NANO, hold), 0);
    set_integer(fixture, "ledger_holds", hold, "dueAt", 1);
    assert_int_equal(server->ledger->extend(server->impl, hold, 1000000, NULL), 0);
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(held(fixture), NANO);
    assert_int_equal(server->ledger->release(server->impl, hold, NULL), 0);
    assert_int_equal(server->ledger->extend(server->impl, hold, 0, NULL), EIN_E_NOT_FOUND);
}

/* ---- many callers ---- */

static void ten_of_sixty_four_fit_into_a_dollar(void **state)
{
    struct fixture *fixture = *state;
    struct calls sum;

    make_user(fixture, NANO);
    sum = run(fixture, NANO / 10, NANO / 10, 1);
    assert_int_equal(sum.paid, 10);
    assert_int_equal(sum.refused, CALLERS - 10);
    assert_int_equal(left(fixture), 0);
    assert_int_equal(sum_of(fixture, "ledger_entries"), NANO);
}

static void nothing_is_lost_or_made_under_load(void **state)
{
    struct fixture *fixture = *state;
    struct calls sum;

    make_user(fixture, 100 * NANO);
    sum = run(fixture, 7 * NANO, 12345678, 20); /* the bounds are more than there is */
    assert_int_equal(sum.failed, 0);
    assert_int_equal(sum.paid + sum.refused, CALLERS * 20);
    assert_true(sum.paid > 0);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(left(fixture) + sum_of(fixture, "ledger_entries"), 100 * NANO);
    assert_int_equal(store_count(fixture->both, "ledger_entries"), sum.paid);
    assert_int_equal(store_count(fixture->both, "ledger_holds"), 0);
}

/* ---- the month ---- */

/* With calls that go on over it: their holds are of the new month too. */
static void a_month_that_is_over_begins_anew_once(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];
    struct calls sum;

    make_user(fixture, 2 * NANO);
    assert_int_equal(reserve(fixture, 2 * NANO, hold), 0);
    set_integer(fixture, "users", USER, "resetAtMs", 1);
    sum = run(fixture, NANO / 10, NANO / 10, 2);
    assert_int_equal(sum.paid, CALLERS * 2);
    assert_int_equal(held(fixture), 2 * NANO);
    assert_int_equal(left(fixture) + held(fixture) + sum_of(fixture, "ledger_entries"), 100 * NANO);
    assert_true(number(fixture, "users", USER, "resetAtMs") > time(NULL) * INT64_C(1000));
    assert_int_equal(settle(fixture, hold, NANO), 0);
    assert_int_equal(left(fixture) + sum_of(fixture, "ledger_entries"), 100 * NANO);
}

/* ---- keys ---- */

static void a_users_own_key_comes_before_the_servers(void **state)
{
    struct fixture *fixture = *state;
    const struct ein_service *vault = fake_host_service(fixture->server[0].host, EIN_VAULT);
    const struct ein_service *service = fake_host_service(fixture->server[0].host, EIN_MODEL_KEYS);
    const struct ein_model_keys *keys = service->vtable;
    const char *source;
    char *key;

    assert_int_equal(keys->get(service->impl, USER, "openai", &key, &source, NULL),
                     EIN_E_NOT_FOUND);
    setenv("OPENAI_API_KEY", "sk-the-servers", 1);
    assert_int_equal(keys->get(service->impl, USER, "openai", &key, &source, NULL), 0);
    assert_string_equal(key, "sk-the-servers");
    assert_string_equal(source, "env");
    keys->wipe(service->impl, key);

    assert_int_equal(((const struct ein_vault *)vault->vtable)
                         ->put(vault->impl, "model_key/" USER "/openai", "sk-her-own", NULL),
                     0);
    assert_int_equal(keys->get(service->impl, USER, "openai", &key, &source, NULL), 0);
    assert_string_equal(key, "sk-her-own");
    assert_string_equal(source, "user");
    keys->wipe(service->impl, key);
    assert_int_equal(keys->get(service->impl, "dev_stub:bob", "openai", &key, &source, NULL), 0);
    assert_string_equal(source, "env");
    keys->wipe(service->impl, key);
    assert_int_equal(keys->get(service->impl, USER, "zzz", &key, &source, NULL), EIN_E_NOT_FOUND);
    unsetenv("OPENAI_API_KEY");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_set_aside_then_paid),
        TEST(a_call_that_did_not_happen_costs_nothing),
        TEST(what_is_not_left_is_refused),
        TEST(a_cost_above_its_bound_is_taken_all_the_same),
        TEST(a_hold_is_its_users),
        TEST(a_hold_of_a_dead_server_is_given_back),
        TEST(a_hold_that_holds_back_is_looked_at_when_it_matters),
        TEST(a_hold_that_is_extended_stays),
        TEST(ten_of_sixty_four_fit_into_a_dollar),
        TEST(nothing_is_lost_or_made_under_load),
        TEST(a_month_that_is_over_begins_anew_once),
        TEST(a_users_own_key_comes_before_the_servers),
    };

    if (argc != 2)
        return fprintf(stderr, "usage: %s STORAGE\n", argv[0]), 2;
    storage = argv[1];
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
