/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/1 and model_keys/1 of the plugin users.  test_ledger STORAGE: what is promised holds on
 * each of them; two instances on one store are two servers. */
#include "cleanup.h"
#include "two_servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define USER "dev_stub:alice"
#define NANO INT64_C(1000000000)

enum { CALLERS = 64 };

static const char *storage;

struct server {
    struct fake_host *host;
    struct fake_plugin *users;
    const struct ein_ledger *ledger;
    void *impl;
};

struct fixture {
    struct two_servers *both;
    struct server server[SERVERS];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->both = two_servers_new(storage);
    for (size_t i = 0; i < SERVERS; i++) {
        struct server *server = &fixture->server[i];
        server->host = fixture->both->host[i];
        /* keys are put into the vault itself */
        server->users = open_started(server->host, "users", json_pack("{s:i}", "no_key_ms", 0));
        const struct ein_service *service = fake_host_service(server->host, EIN_LEDGER);
        server->ledger = service->vtable;
        server->impl = service->impl;
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < SERVERS; i++)
        fake_plugin_close(fixture->server[i].users);
    two_servers_free(fixture->both);
    free(fixture);
    return 0;
}

/* ---- looking ------------------------------------------------------------ */

static struct fake_host *host_of(struct fixture *fixture)
{
    return fixture->server[0].host;
}

static int64_t number(struct fixture *fixture, const char *set, const char *id, const char *member)
{
    EIN_JSON json_t *doc = store_read(fixture->both, set, id);

    assert_non_null(doc);
    return json_integer_value(json_object_get(doc, member));
}

static int add_cost(const json_t *entry, void *sum)
{
    *(int64_t *)sum += json_integer_value(json_object_get(entry, "costNano"));
    return 0;
}

static int64_t sum_of_entries(struct fixture *fixture)
{
    struct fake_host *host = host_of(fixture);
    int64_t sum = 0;

    assert_int_equal(host->table.store->find(fake_host_ctx(host), "ledger_entries", NULL, add_cost,
                                             &sum, NULL, NULL),
                     0);
    return sum;
}

static int64_t left(struct fixture *fixture)
{
    return number(fixture, "ledger_accounts", USER, "remainingNano");
}

static int64_t held(struct fixture *fixture)
{
    return number(fixture, "ledger_accounts", USER, "heldNano");
}

/* ---- changing ----------------------------------------------------------- */

static void set_integer(struct fixture *fixture, const char *set, const char *id,
                        const char *member, int64_t value)
{
    struct fake_host *host = host_of(fixture);
    EIN_JSON json_t *doc = json_pack("{s:I}", member, (json_int_t)value);
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE, .set = set, .id = id, .doc = doc };

    assert_int_equal(host->table.store->batch(fake_host_ctx(host), &op, 1, sizeof(op), NULL), 0);
}

static int reserve(struct fixture *fixture, int64_t bound, char hold[EIN_HOLD_SIZE])
{
    const struct server *server = &fixture->server[0];

    return server->ledger->reserve(server->impl, USER, bound, 0, hold, NULL);
}

static int settle(struct fixture *fixture, const char *hold, int64_t cost)
{
    const struct server *server = &fixture->server[1]; /* any server may */
    const struct ein_ledger_entry entry = {
        .struct_size = sizeof(entry), .cost = cost, .user_id = USER, .model = "m"
    };

    return server->ledger->settle(server->impl, hold, &entry, NULL);
}

static void with_budget(struct fixture *fixture, int64_t nano)
{
    char hold[EIN_HOLD_SIZE];

    assert_int_equal(reserve(fixture, 0, hold), 0); /* makes the user */
    assert_int_equal(fixture->server[0].ledger->release(fixture->server[0].impl, hold, NULL), 0);
    set_integer(fixture, "ledger_accounts", USER, "remainingNano", nano);
}

/* ---- one call ----------------------------------------------------------- */

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

    with_budget(fixture, NANO);
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

/* ---- leases ------------------------------------------------------------- */

static void a_hold_of_a_dead_server_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE], other[EIN_HOLD_SIZE];

    with_budget(fixture, NANO);
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

    with_budget(fixture, NANO);
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

/* ---- many callers ------------------------------------------------------- */

struct caller {
    struct fixture *fixture;
    int number;
    int64_t bound, cost;
    int calls, paid, refused, failed;
    pthread_t thread;
};

static void *call(void *data)
{
    struct caller *caller = data;
    const struct server *server = &caller->fixture->server[caller->number % SERVERS];
    char hold[EIN_HOLD_SIZE];

    for (int i = 0; i < caller->calls; i++) {
        const struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                                .cost = caller->cost - i % 3,
                                                .user_id = USER };
        int r = server->ledger->reserve(server->impl, USER, caller->bound, 0, hold, NULL);
        caller->refused += r == EIN_E_DENIED;
        if (r == 0)
            r = server->ledger->settle(server->impl, hold, &entry, NULL);
        caller->paid += r == 0;
        caller->failed += r < 0 && r != EIN_E_DENIED;
    }
    return NULL;
}

static void run(struct fixture *fixture, int64_t bound, int64_t cost, int calls,
                struct caller *ret_sum)
{
    struct caller callers[CALLERS];

    *ret_sum = (struct caller){ 0 };
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){
            .fixture = fixture, .number = i, .bound = bound, .cost = cost, .calls = calls
        };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        ret_sum->paid += callers[i].paid;
        ret_sum->refused += callers[i].refused;
        ret_sum->failed += callers[i].failed;
    }
}

static void ten_of_sixty_four_fit_into_a_dollar(void **state)
{
    struct fixture *fixture = *state;
    struct caller sum;

    with_budget(fixture, NANO);
    run(fixture, NANO / 10, NANO / 10, 1, &sum);
    assert_int_equal(sum.paid, 10);
    assert_int_equal(sum.refused, CALLERS - 10);
    assert_int_equal(left(fixture), 0);
    assert_int_equal(sum_of_entries(fixture), NANO);
}

static void nothing_is_lost_or_made_under_load(void **state)
{
    struct fixture *fixture = *state;
    struct caller sum;

    with_budget(fixture, 100 * NANO);
    run(fixture, 7 * NANO, 12345678, 20, &sum); /* the bounds are more than there is */
    assert_int_equal(sum.failed, 0);
    assert_int_equal(sum.paid + sum.refused, CALLERS * 20);
    assert_true(sum.paid > 0);
    assert_int_equal(held(fixture), 0);
    assert_int_equal(left(fixture) + sum_of_entries(fixture), 100 * NANO);
    assert_int_equal(store_count(fixture->both, "ledger_entries"), sum.paid);
    assert_int_equal(store_count(fixture->both, "ledger_holds"), 0);
}

/* ---- the month ---------------------------------------------------------- */

/* With calls that go on over it: their holds are of the new month too. */
static void a_month_that_is_over_begins_anew_once(void **state)
{
    struct fixture *fixture = *state;
    char hold[EIN_HOLD_SIZE];
    struct caller sum;

    with_budget(fixture, 2 * NANO);
    assert_int_equal(reserve(fixture, 2 * NANO, hold), 0);
    set_integer(fixture, "users", USER, "resetAtMs", 1);
    run(fixture, NANO / 10, NANO / 10, 2, &sum);
    assert_int_equal(sum.paid, CALLERS * 2);
    assert_int_equal(held(fixture), 2 * NANO);
    assert_int_equal(left(fixture) + held(fixture) + sum_of_entries(fixture), 100 * NANO);
    assert_true(number(fixture, "users", USER, "resetAtMs") > time(NULL) * INT64_C(1000));
    assert_int_equal(settle(fixture, hold, NANO), 0);
    assert_int_equal(left(fixture) + sum_of_entries(fixture), 100 * NANO);
}

/* ---- keys --------------------------------------------------------------- */

static void a_users_own_key_comes_before_the_servers(void **state)
{
    struct fixture *fixture = *state;
    const struct ein_service *vault = fake_host_service(host_of(fixture), EIN_VAULT);
    const struct ein_service *service = fake_host_service(host_of(fixture), EIN_MODEL_KEYS);
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
