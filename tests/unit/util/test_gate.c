/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "gate.h"
#include "unit.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 8 };

static void new_gate_is_shut(void **state)
{
    struct gate gate;

    gate_init(&gate);
    assert_false(gate_enter(&gate));
    assert_true(gate_drain(&gate, 0));
    gate_open(&gate);
    assert_true(gate_enter(&gate));
    assert_int_equal(gate_inside(&gate), 1);
    gate_leave(&gate);
}

static void drain_gives_up_when_the_time_is_up(void **state)
{
    int64_t start = clock_mono_ms();
    struct gate gate;

    gate_init(&gate);
    gate_open(&gate);
    assert_true(gate_enter(&gate));
    gate_shut(&gate);
    assert_false(gate_drain(&gate, 50));
    assert_true(clock_mono_ms() - start >= 50);
    gate_leave(&gate);
    assert_true(gate_drain(&gate, 0));
}

static void *leave_later(void *data)
{
    (void)usleep(20000);
    gate_leave(data);
    return NULL;
}

static void last_to_leave_wakes_the_drain(void **state)
{
    int64_t start = clock_mono_ms();
    pthread_t thread;
    struct gate gate;

    gate_init(&gate);
    gate_open(&gate);
    assert_true(gate_enter(&gate));
    gate_shut(&gate);
    assert_int_equal(pthread_create(&thread, NULL, leave_later, &gate), 0);
    assert_true(gate_drain(&gate, 10000));
    assert_true(clock_mono_ms() - start < 5000);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

struct visited {
    struct gate gate;
    int content; /* written only while nobody may be inside */
    unsigned entered;
};

static void *visit(void *data)
{
    struct visited *visited = data;

    while (gate_enter(&visited->gate)) {
        assert_int_equal(visited->content, 1);
        (void)__atomic_add_fetch(&visited->entered, 1, __ATOMIC_RELAXED);
        gate_leave(&visited->gate);
    }
    return NULL;
}

static void nobody_is_inside_after_a_drain(void **state)
{
    for (int round = 0; round < 50; round++) {
        struct visited visited = { .content = 1 };
        pthread_t threads[THREADS];

        gate_init(&visited.gate);
        gate_open(&visited.gate);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, visit, &visited), 0);
        while (__atomic_load_n(&visited.entered, __ATOMIC_RELAXED) < 100)
            (void)usleep(100);
        gate_shut(&visited.gate);
        assert_true(gate_drain(&visited.gate, 10000));
        visited.content = 2; /* a race with visit() would be seen here */
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(gate_inside(&visited.gate), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_gate_is_shut),
        cmocka_unit_test(drain_gives_up_when_the_time_is_up),
        cmocka_unit_test(last_to_leave_wakes_the_drain),
        cmocka_unit_test(nobody_is_inside_after_a_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
