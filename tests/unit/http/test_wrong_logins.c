/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "fixture.h"
#include "wrong_logins.h"
#include <pthread.h>
#include <stdio.h>

static void each_address_is_counted_for_a_minute(void **state)
{
    struct wrong_logins *it = wrong_logins_new(64);
    uint32_t left;

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

    assert_int_equal(wrong_logins_add(it, "", NULL), 1);
    assert_int_equal(wrong_logins_add(it, "x", NULL), 2);
    wrong_logins_free(it);
}

enum { COMERS = 2 * WRONG_LOGINS_WAITING_MAX, WAIT_MS = 1000 };

/* data, if it was not made to wait. */
static void *wait_once(void *data)
{
    int64_t began = clock_mono_ms();

    wrong_logins_wait(data, WAIT_MS);
    return clock_mono_ms() - began < WAIT_MS ? data : NULL;
}

/* A flood of wrong passwords takes so many threads. */
static void so_many_are_made_to_wait_and_no_more(void **state)
{
    struct wrong_logins *it = wrong_logins_new(8);
    pthread_t threads[COMERS];
    size_t at_once = 0;
    void *result;

    for (int i = 0; i < COMERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_once, it), 0);
    for (int i = 0; i < COMERS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        at_once += result != NULL;
    }
    assert_in_range(at_once, 1, COMERS - WRONG_LOGINS_WAITING_MAX);
    assert_null(wait_once(it)); /* there is room again */
    wrong_logins_free(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_is_counted_for_a_minute),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(what_is_no_address_is_counted_as_one),
        cmocka_unit_test(so_many_are_made_to_wait_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
