/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/1 where a key has a budget beside its user's allowance.  test_key_budget STORAGE; two
 * instances on one store are two servers, and each case runs with a journal and without. */
#include "cleanup.h"
#include "ledgers.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY    "k1"
#define BUDGET KEY " total"

static const char *storage;

static json_t *config_of(const struct fixture *fixture)
{
    return json_pack("{s:s, s:i, s:i}", "journal", fixture->journal, "settle_ms", 5,
                     "purse_idle_ms", 3600000);
}

static struct fixture *open_both(const char *journal)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->both = two_servers_new(storage);
    if (*journal)
        snprintf(fixture->journal, sizeof(fixture->journal), "%s/%s", fixture->both->folder,
                 journal);
    fixture->key = (struct ein_payer){ .struct_size = sizeof(fixture->key),
                                       .user_id = USER,
                                       .key_id = KEY,
                                       .period = "total",
                                       .limit = NANO };
    for (int i = 0; i < SERVERS; i++)
        open_server(fixture, i, config_of(fixture));
    return fixture;
}

static int setup(void **state)
{
    *state = open_both("");
    return 0;
}

static int setup_journal(void **state)
{
    *state = open_both("journal");
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < SERVERS; i++)
        close_server(fixture, i);
    empty_folder(fixture->journal);
    two_servers_free(fixture->both);
    free(fixture);
    return 0;
}

/* ---- looking ---- */

static int64_t key_left(struct fixture *fixture)
{
    return number(fixture, "ledger_budgets", BUDGET, "remainingNano");
}

static int64_t key_held(struct fixture *fixture)
{
    return number(fixture, "ledger_budgets", BUDGET, "heldNano");
}

/* As a server tells it. */
static int64_t told_left(struct fixture *fixture)
{
    const struct server *server = &fixture->server[0];
    int64_t left, next_ms;

    assert_int_equal(server->ledger->key_left(server->impl, &fixture->key, &left, &next_ms, NULL),
                     0);
    return left;
}

/* With both servers gone nothing waits any more. */
static void check_ends(struct fixture *fixture, int64_t spent)
{
    for (int i = 0; i < SERVERS; i++)
        close_server(fixture, i);
    assert_int_equal(sum_of(fixture, "ledger_entries"), spent);
    assert_int_equal(left(fixture), 100 * NANO - spent);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(key_held(fixture), 0);
    assert_int_equal(key_left(fixture), fixture->key.limit - spent);
}

/* ---- cases ---- */

static void it_pays_what_its_user_pays(void **state)
{
    struct fixture *fixture = *state;
    char hold[3][EIN_HOLD_SIZE];

    for (int i = 0; i < 3; i++)
        assert_int_equal(reserve_at(fixture, 0, NANO / 1000, hold[i]), 0);
    assert_int_equal(key_held(fixture), held(fixture));
    assert_int_equal(key_left(fixture) + key_held(fixture), NANO);
    assert_int_equal(settle_at(fixture, 0, hold[0], 7), 0);
    assert_int_equal(settle_at(fixture, 0, hold[1], NANO / 100), 0); /* above its bound */
    assert_int_equal(fixture->server[0].ledger->release(fixture->server[0].impl, hold[2], NULL), 0);
    assert_int_equal(told_left(fixture), NANO - 7 - NANO / 100);
    check_ends(fixture, 7 + NANO / 100);
}

static void calls_without_a_key_do_not_touch_it(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve_at(fixture, 0, NANO / 1000, hold), 0);
    assert_int_equal(settle_at(fixture, 0, hold, 5), 0);
    assert_int_equal(server->ledger->reserve(server->impl, USER, NANO, 0, hold, NULL), 0);
    assert_int_equal(settle_at(fixture, 0, hold, NANO), 0);
    assert_int_equal(told_left(fixture), NANO - 5);
    close_server(fixture, 0);
    assert_int_equal(left(fixture), 99 * NANO - 5);
}

static void what_is_not_left_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct server *server = &fixture->server[0];
    struct ein_error err;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(
        server->ledger->reserve_key(server->impl, &fixture->key, NANO + 1, 0, hold, &err),
        EIN_E_DENIED);
    assert_string_equal(err.text, "Insufficient budget to complete request: this API key may spend "
                                  "1 dollars in total");
    fixture->key.period = "day";
    assert_int_equal(
        server->ledger->reserve_key(server->impl, &fixture->key, NANO + 1, 0, hold, &err),
        EIN_E_DENIED);
    assert_non_null(strstr(err.text, "1 dollars a day"));
    fixture->key.limit = 1000 * NANO; /* then it is the user's allowance */
    assert_int_equal(
        server->ledger->reserve_key(server->impl, &fixture->key, 100 * NANO + 1, 0, hold, &err),
        EIN_E_DENIED);
    assert_string_equal(err.text, "Insufficient spend allowance to complete request");
    assert_int_equal(held(fixture), 0);
}

static void a_key_without_money_may_do_what_is_free(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    fixture->key.limit = 0;
    assert_int_equal(reserve_at(fixture, 0, 1, hold), EIN_E_DENIED);
    assert_int_equal(reserve_at(fixture, 0, 0, hold), 0);
    assert_int_equal(settle_at(fixture, 0, hold, 7), 0); /* it was not free after all */
    assert_int_equal(reserve_at(fixture, 0, 0, hold), EIN_E_DENIED);
    fixture->key.limit = 7;
    assert_int_equal(reserve_at(fixture, 0, 0, hold), 0);
    assert_int_equal(settle_at(fixture, 0, hold, 0), 0);
    check_ends(fixture, 7);
}

static void sixty_four_callers_spend_no_more_than_it_has(void **state)
{
    struct fixture *fixture = *state;
    struct calls sum = run(fixture, NANO / 10, NANO / 10, 1);

    assert_int_equal(sum.failed, 0);
    assert_true(sum.paid <= 10 && sum.paid > 0);
    for (int i = 0; i < 20; i++)
        (void)run(fixture, NANO / 1000, NANO / 1000, 1); /* costs one or two less than that */
    int64_t spent = sum_of(fixture, "ledger_entries");
    assert_true(spent <= NANO);
    for (int i = 0; i < SERVERS; i++)
        close_server(fixture, i);
    spent = sum_of(fixture, "ledger_entries");
    assert_true(spent <= NANO && spent > NANO - NANO / 10);
    check_ends(fixture, spent);
}

static void a_changed_limit_keeps_what_is_spent(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve_at(fixture, 0, NANO / 1000, hold), 0);
    assert_int_equal(settle_at(fixture, 0, hold, NANO / 2), 0);
    fixture->key.limit = NANO / 4;
    assert_int_equal(told_left(fixture), -NANO / 4);
    assert_int_equal(reserve_at(fixture, 0, 1, hold), EIN_E_DENIED);
    assert_int_equal(reserve_at(fixture, 1, 1, hold), EIN_E_DENIED);
    fixture->key.limit = 2 * NANO;
    assert_int_equal(told_left(fixture), 2 * NANO - NANO / 2);
    assert_int_equal(reserve_at(fixture, 0, NANO, hold), 0);
    assert_int_equal(settle_at(fixture, 0, hold, NANO), 0);
    check_ends(fixture, NANO + NANO / 2);
}

/* The hold, or the purse that it came out of, is over. */
static void what_comes_late_is_paid_by_both(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], id[EIN_HOLD_SIZE];

    assert_int_equal(reserve_at(fixture, 0, NANO / 1000, hold), 0);
    snprintf(id, sizeof(id), "%s", hold);
    if (*fixture->journal)
        *strchr(id, '.') = '\0';
    set_integer(fixture, "ledger_holds", id, "dueAt", 1);
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(key_held(fixture), 0);
    assert_int_equal(key_left(fixture), NANO);
    assert_int_equal(settle_at(fixture, 0, hold, 10), 0);
    check_ends(fixture, 10);
}

/* Likewise, and its period is long over. */
static void what_comes_after_its_account_is_the_users_alone(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], id[EIN_HOLD_SIZE];

    fixture->key.period = "day";
    assert_int_equal(reserve_at(fixture, 0, NANO / 1000, hold), 0);
    snprintf(id, sizeof(id), "%s", hold);
    if (*fixture->journal)
        *strchr(id, '.') = '\0';
    EIN_JSON json_t *held_doc = store_read(fixture->both, "ledger_holds", id);
    const char *budget = json_string_value(json_object_get(held_doc, "budget"));
    set_integer(fixture, "ledger_holds", id, "dueAt", 1);
    fake_host_tick(fixture->server[1].host);
    assert_true(number(fixture, "ledger_budgets", budget, "dueAt") > time(NULL) * INT64_C(1000));
    set_integer(fixture, "ledger_budgets", budget, "dueAt", 1);
    fake_host_tick(fixture->server[1].host);
    assert_int_equal(store_count(fixture->both, "ledger_budgets"), 0);
    assert_int_equal(settle_at(fixture, 0, hold, 10), 0);
    close_server(fixture, 0);
    assert_int_equal(left(fixture), 100 * NANO - 10);
    assert_int_equal(held(fixture), 0);
}

static void what_a_killed_server_has_settled_is_entered(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], path[256];
    FILE *file;

    assert_int_equal(reserve_at(fixture, 0, 1000, hold), 0);
    close_server(fixture, 1);
    snprintf(path, sizeof(path), "%s/ledger-1.1", fixture->journal);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "{\"purse\":\"%.*s\",\"budget\":\"" BUDGET "\",\"hold\":\"x.1\",\"entry\":{\"userId\":"
            "\"" USER "\",\"costNano\":100,\"tokens\":{},\"createdAtUs\":5}}\n"
            "{\"budget\":\"" BUDGET "\",\"hold\":\"y.1\",\"entry\":{\"userId\":\"" USER
            "\",\"costNano\":7,\"tokens\":{},\"createdAtUs\":5}}\n",
            (int)strcspn(hold, "."), hold);
    assert_int_equal(fclose(file), 0);
    open_server(fixture, 1, config_of(fixture));
    assert_int_equal(store_count(fixture->both, "ledger_entries"), 2);
    assert_int_equal(key_left(fixture) + key_held(fixture), NANO - 107);
    assert_int_equal(left(fixture) + held(fixture), 100 * NANO - 107);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const periods[] = { "year", "", NULL };
    static const char *const ids[] = {
        "",   "a b",       "\"",
        NULL, "k\xc3\xbc", "0123456789012345678901234567890123456789012345678901234567890123456789"
    };
    const struct ein_payer good = fixture->key;
    char hold[EIN_HOLD_SIZE];

    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        fixture->key.period = periods[i];
        assert_int_equal(reserve_at(fixture, 0, 1, hold), EIN_E_INVALID);
    }
    fixture->key = good;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        fixture->key.key_id = ids[i];
        assert_int_equal(reserve_at(fixture, 0, 1, hold), EIN_E_INVALID);
    }
    fixture->key = good;
    fixture->key.limit = -1;
    assert_int_equal(reserve_at(fixture, 0, 1, hold), EIN_E_INVALID);
    fixture->key = good;
    assert_int_equal(reserve_at(fixture, 0, 1, hold), 0);
    fixture->key.user_id = "dev_stub:bob"; /* whose it is not */
    assert_int_equal(reserve_at(fixture, 0, 1, hold), EIN_E_INVALID);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, setup, teardown),                                        \
        cmocka_unit_test_setup_teardown(name, setup_journal, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(it_pays_what_its_user_pays),
        TEST(calls_without_a_key_do_not_touch_it),
        TEST(what_is_not_left_is_refused),
        TEST(a_key_without_money_may_do_what_is_free),
        TEST(sixty_four_callers_spend_no_more_than_it_has),
        TEST(a_changed_limit_keeps_what_is_spent),
        TEST(what_comes_late_is_paid_by_both),
        TEST(what_comes_after_its_account_is_the_users_alone),
        cmocka_unit_test_setup_teardown(what_a_killed_server_has_settled_is_entered, setup_journal,
                                        teardown),
        TEST(what_makes_no_sense_is_refused),
    };

    if (argc != 2)
        return fprintf(stderr, "usage: %s STORAGE\n", argv[0]), 2;
    storage = argv[1];
    return cmocka_run_group_tests_name("key_budget", tests, NULL, NULL);
}
