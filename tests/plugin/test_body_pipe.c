/* SPDX-License-Identifier: Apache-2.0 */
#include "body_pipe.h"
#include "clock.h"
#include "unit.h"

#include <einion/plugin.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 1000, LONG_MS = 60000 };

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct body_pipe));
    body_pipe_init(*state, WINDOW);
    return 0;
}

static int tear_down(void **state)
{
    body_pipe_done(*state);
    free(*state);
    return 0;
}

static int64_t later(void)
{
    return clock_mono_ms() + LONG_MS;
}

static void what_is_taken_is_room_only_once_it_is_used(void **state)
{
    struct body_pipe *pipe = *state;
    static const char bytes[WINDOW + 1];
    char *taken = NULL;

    assert_int_equal(body_pipe_take(pipe, &taken), 0);
    assert_int_equal(body_pipe_put(pipe, bytes, WINDOW + 1), EIN_E_TOO_LARGE);
    assert_int_equal(body_pipe_put(pipe, bytes, WINDOW), 0);
    assert_int_equal(body_pipe_put(pipe, bytes, 1), EIN_E_TOO_LARGE);
    assert_int_equal(body_pipe_take(pipe, &taken), WINDOW);
    free(taken);
    assert_int_equal(body_pipe_put(pipe, bytes, 1), EIN_E_TOO_LARGE);
    body_pipe_used(pipe, 10);
    assert_int_equal(body_pipe_put(pipe, bytes, 11), EIN_E_TOO_LARGE);
    assert_int_equal(body_pipe_put(pipe, bytes, 10), 0);
    assert_int_equal(body_pipe_use_all(pipe), WINDOW - 10);
    body_pipe_used(pipe, SIZE_MAX);
    assert_int_equal(body_pipe_put(pipe, bytes, WINDOW - 10), 0);
}

static void it_is_read_in_order_to_its_end(void **state)
{
    struct body_pipe *pipe = *state;
    char room[4];

    assert_int_equal(body_pipe_put(pipe, "abcdef", 6), 0);
    body_pipe_end(pipe);
    assert_int_equal(body_pipe_read_waiting(pipe, room, 4, later()), 4);
    assert_memory_equal(room, "abcd", 4);
    assert_int_equal(body_pipe_read_waiting(pipe, room, 4, later()), 2);
    assert_memory_equal(room, "ef", 2);
    assert_int_equal(body_pipe_read_waiting(pipe, room, 4, later()), 0);
    assert_int_equal(body_pipe_use_all(pipe), 6);
}

static void waiting_has_an_end(void **state)
{
    struct body_pipe *pipe = *state;
    static const char bytes[WINDOW + 1];
    char room[4];

    assert_int_equal(body_pipe_read_waiting(pipe, room, 4, clock_mono_ms()), EIN_E_TIMEOUT);
    assert_int_equal(body_pipe_put_waiting(pipe, bytes, WINDOW + 1, clock_mono_ms()),
                     EIN_E_TIMEOUT);
    body_pipe_break(pipe);
    assert_int_equal(body_pipe_read_waiting(pipe, room, 4, later()), EIN_E_CANCELLED);
    assert_int_equal(body_pipe_put_waiting(pipe, bytes, 1, later()), EIN_E_CANCELLED);
}

static void *break_it(void *pipe)
{
    body_pipe_break(pipe);
    return NULL;
}

static void who_waits_is_woken_when_it_breaks(void **state)
{
    char room[4];
    pthread_t thread;

    pthread_create(&thread, NULL, break_it, *state);
    assert_int_equal(body_pipe_read_waiting(*state, room, 4, later()), EIN_E_CANCELLED);
    pthread_join(thread, NULL);
}

enum { TOTAL = 200000 };

static void *put_all(void *pipe)
{
    char piece[1777];
    int64_t r = 0;

    for (size_t at = 0; at < TOTAL && r == 0; at += sizeof(piece)) {
        size_t len = TOTAL - at < sizeof(piece) ? TOTAL - at : sizeof(piece);
        for (size_t i = 0; i < len; i++)
            piece[i] = (char)((at + i) % 251);
        r = body_pipe_put_waiting(pipe, piece, len, later());
    }
    body_pipe_end(pipe);
    return NULL;
}

static void more_than_a_window_goes_through(void **state)
{
    char room[333];
    size_t at = 0;
    int64_t len;
    pthread_t thread;

    pthread_create(&thread, NULL, put_all, *state);
    while ((len = body_pipe_read_waiting(*state, room, sizeof(room), later())) > 0) {
        for (int64_t i = 0; i < len; i++)
            assert_int_equal((unsigned char)room[i], (at + (size_t)i) % 251);
        at += (size_t)len;
        body_pipe_used(*state, (size_t)len);
    }
    pthread_join(thread, NULL);
    assert_int_equal(len, 0);
    assert_int_equal(at, TOTAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_room_only_once_it_is_used, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_is_read_in_order_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_is_woken_when_it_breaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_a_window_goes_through, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
