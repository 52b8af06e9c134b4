/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"
#include "unit.h"

#include <string.h>

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int resolve(const struct order_item *items, size_t count, char *out, struct ein_error *err)
{
    size_t order[16];
    int r = order_resolve(items, count, NULL, order, NULL, err);

    for (size_t i = 0; r == 0 && i < count; i++)
        out[i] = items[order[i]].name[0];
    out[r == 0 ? count : 0] = '\0';
    return r;
}

static void assert_order(const struct order_item *items, size_t count, const char *wanted)
{
    struct ein_error err = { 0 };
    char got[17];

    if (resolve(items, count, got, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(got, wanted);
}

static void what_needs_nothing_keeps_its_place(void **state)
{
    const struct order_item items[] = { { "c", NULL, NULL },
                                        { "a", NULL, NULL },
                                        { "b", NULL, NAMES("x/1") } };

    assert_order(items, 3, "cab");
    assert_order(items, 0, "");
}

static void every_publisher_comes_before_who_needs_it(void **state)
{
    const struct order_item items[] = {
        { "chat", NAMES("agents/1", "storage/1"), NULL },
        { "agents", NAMES("runtime/1", "storage/1"), NAMES("agents/1") },
        { "runtime", NAMES("storage/1"), NAMES("runtime/1") },
        { "sqlite", NULL, NAMES("storage/1") },
        { "memory", NULL, NAMES("storage/1") },
        { "zoo", NULL, NULL },
    };

    assert_order(items, 6, "smracz");
}

static void an_interface_that_is_there_already_is_no_obstacle(void **state)
{
    const struct order_item item = { "a", NAMES("storage/1"), NULL };
    size_t order[1];

    assert_int_equal(order_resolve(&item, 1, NAMES("storage/1"), order, NULL, NULL), 0);
    assert_int_equal(order_resolve(&item, 1, NAMES("other/1"), order, NULL, NULL), EIN_E_INVALID);
}

static void a_need_that_nobody_meets_is_named(void **state)
{
    const struct order_item items[] = { { "storage", NULL, NAMES("storage_backend/1") },
                                        { "agents", NAMES("storage_backend/1", "agent_runtime/1"),
                                          NULL } };
    struct ein_error err = { 0 };
    size_t order[2], at = 9;

    assert_int_equal(order_resolve(items, 2, NULL, order, &at, &err), EIN_E_INVALID);
    assert_string_equal(err.text, "agents needs agent_runtime/1, which no enabled plugin offers");
    assert_int_equal(at, 1);
}

static void what_only_itself_offers_is_not_met(void **state)
{
    const struct order_item alone[] = { { "models", NAMES("llm/1"), NAMES("llm/1") } };
    const struct order_item both[] = { { "models", NAMES("llm/1"), NAMES("llm/1") },
                                       { "openai", NULL, NAMES("llm/1") } };
    struct ein_error err = { 0 };
    char got[3];

    assert_int_equal(resolve(alone, 1, got, &err), EIN_E_INVALID);
    assert_string_equal(err.text, "models needs llm/1, which no other enabled plugin offers");
    assert_order(both, 2, "om");
}

static void a_cycle_is_told_as_a_chain_without_those_who_only_lead_to_it(void **state)
{
    const struct order_item items[] = {
        { "outside", NAMES("a/1"), NULL },
        { "first", NAMES("c/1"), NAMES("a/1") },
        { "second", NAMES("a/1"), NAMES("b/1") },
        { "third", NAMES("b/1"), NAMES("c/1") },
        { "fine", NULL, NULL },
    };
    struct ein_error err = { 0 };
    size_t order[5], at = 9;

    assert_int_equal(order_resolve(items, 5, NULL, order, &at, &err), EIN_E_INVALID);
    assert_non_null(strstr(err.text, "first needs c/1 of third"));
    assert_non_null(strstr(err.text, "third needs b/1 of second"));
    assert_non_null(strstr(err.text, "second needs a/1 of first"));
    assert_null(strstr(err.text, "outside"));
    assert_true(at >= 1 && at <= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_nothing_keeps_its_place),
        cmocka_unit_test(every_publisher_comes_before_who_needs_it),
        cmocka_unit_test(an_interface_that_is_there_already_is_no_obstacle),
        cmocka_unit_test(a_need_that_nobody_meets_is_named),
        cmocka_unit_test(what_only_itself_offers_is_not_met),
        cmocka_unit_test(a_cycle_is_told_as_a_chain_without_those_who_only_lead_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
