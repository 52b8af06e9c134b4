/* SPDX-License-Identifier: Apache-2.0 */
#include "auth_world.h"
#include "clock.h"
#include "denial.h"
#include "wrong_logins.h"

static struct auth_world *begin(bool audited)
{
    EIN_JSON json_t *http =
        json_pack("{s:i, s:i}", "wrong_logins_per_minute", 2, "wrong_login_delay_ms", 0);

    clock_skip_ms(WRONG_LOGINS_WINDOW_MS);
    return world_new(http, NULL, audited);
}

static const char *action_at(const struct auth_world *world, size_t index)
{
    return json_string_value(json_object_get(json_array_get(world->events, index), "action"));
}

static void refusals_are_told(void **state)
{
    struct auth_world *world = begin(true);
    const json_t *event;

    (void)world_get(world, "/deny?secret=1", NULL, NULL, NULL);
    event = json_array_get(world->events, 0);
    assert_string_equal(json_string_value(json_object_get(event, "action")), "denied");
    assert_string_equal(json_string_value(json_object_get(event, "target")), "GET /deny");
    assert_string_equal(json_string_value(json_object_get(event, "address")), "127.0.0.1");
    for (int i = 0; i < 3; i++)
        (void)world_get(world, "/user", WRONG, NULL, NULL);
    assert_int_equal(json_array_size(world->events), 4);
    assert_string_equal(action_at(world, 1), "wrong_login");
    assert_string_equal(action_at(world, 2), "wrong_login");
    assert_string_equal(action_at(world, 3), "too_many_wrong_logins");
    world_free(world);
}

static void what_is_no_refusal_is_not(void **state)
{
    struct auth_world *world = begin(true);

    (void)world_get(world, "/user", NULL, NULL, NULL);
    (void)world_get(world, "/user", RIGHT, NULL, NULL);
    (void)world_get(world, "/nope", NULL, NULL, NULL);
    assert_int_equal(json_array_size(world->events), 0);
    world_free(world);
}

static void only_so_many_are_written_a_second(void **state)
{
    struct auth_world *world = begin(true);
    const json_t *details;
    int64_t second;

    do { /* all within one second */
        clock_skip_ms(1000 - clock_mono_ms() % 1000);
        second = clock_mono_ms() / 1000;
        json_array_clear(world->events);
        for (int i = 0; i < TRICKLE_PER_S + 7; i++)
            (void)world_get(world, "/deny", NULL, NULL, NULL);
    } while (clock_mono_ms() / 1000 != second);
    assert_int_equal(json_array_size(world->events), TRICKLE_PER_S);
    clock_skip_ms(1000);
    (void)world_get(world, "/deny", NULL, NULL, NULL);
    details = json_object_get(json_array_get(world->events, TRICKLE_PER_S), "details");
    assert_int_equal(json_integer_value(json_object_get(details, "leftOut")), 7);
    world_free(world);
}

static void without_an_audit_the_server_goes_on(void **state)
{
    struct auth_world *world = begin(false);

    assert_int_equal(world_get(world, "/deny", NULL, NULL, NULL), 403);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(what_is_no_refusal_is_not),
        cmocka_unit_test(only_so_many_are_written_a_second),
        cmocka_unit_test(without_an_audit_the_server_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
