/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "fixture.h"
#include "wrong_logins.h"
#include <stdio.h>

static void each_address_is_counted_for_a_minute(void **state)
{
    struct wrong_logins *it = wrong_logins_new(64);
    uint32_t left;

    (void)state;
    assert_int_equal(wrong_logins_count(it, "192.0.2.1", &left), 0);
    assert_int_equal(left, 0);
    for (uint32_t i = 1; i <= 100; i++)
        assert_int_equal(wrong_logins_add(it, "192.0.2.1", &left), i);
    assert_true(left > 0 && left <= WRONG_LOGINS_WINDOW_MS);
    assert_int_equal(wrong_logins_add(it, "192.0.2.2", NULL), 1);
    assert_int_equal(wrong_logins_count(it, "192.0.2.1", NULL), 100);

    clock_skip_ms(WRONG_LOGINS_WINDOW_MS);
    assert_int_equal(wrong_logins_count(it, "192.0.2.1", NULL), 0);
    assert_int_equal(wrong_logins_add(it, "192.0.2.1", NULL), 1);
    wrong_logins_free(it);
}

static void a_network_of_ipv6_is_one_address(void **state)
{
    struct wrong_logins *it = wrong_logins_new(64);

    (void)state;
    assert_int_equal(wrong_logins_add(it, "2001:db8:0:1::1", NULL), 1);
    assert_int_equal(wrong_logins_add(it, "2001:db8:0:1:ffff::9", NULL), 2);
    assert_int_equal(wrong_logins_add(it, "2001:db8:0:2::1", NULL), 1);
    assert_int_equal(wrong_logins_add(it, "192.0.2.1", NULL), 1);
    assert_int_equal(wrong_logins_add(it, "192.0.2.9", NULL), 1);
    wrong_logins_free(it);
}

/* However many addresses come, there is room for so many. */
static void the_oldest_make_room(void **state)
{
    struct wrong_logins *it = wrong_logins_new(8);
    char addr[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(addr, sizeof(addr), "10.0.%d.%d", i / 256, i % 256);
        assert_int_equal(wrong_logins_add(it, addr, NULL), 1);
        clock_skip_ms(1);
    }
    assert_int_equal(wrong_logins_count(it, addr, NULL), 1);
    assert_int_equal(wrong_logins_count(it, "10.0.0.0", NULL), 0);
    wrong_logins_free(it);
}

static void what_is_no_address_is_counted_as_one(void **state)
{
    struct wrong_logins *it = wrong_logins_new(8);

    (void)state;
    assert_int_equal(wrong_logins_add(it, "", NULL), 1);
    assert_int_equal(wrong_logins_add(it, "x", NULL), 2);
    wrong_logins_free(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_is_counted_for_a_minute),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(what_is_no_address_is_counted_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
