/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel.h"
#include "unit.h"
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_readable(int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    return poll(&ready, 1, 0) == 1 && ready.revents & POLLIN;
}

static void count(void *data)
{
    (void)__atomic_add_fetch((int *)data, 1, __ATOMIC_RELAXED);
}

static void fires_its_children_and_not_its_parent(void **state)
{
    struct ein_cancel root, child, other, grandchild;
    int calls = 0;

    cancel_init(&root, NULL);
    cancel_init(&child, &root);
    cancel_init(&other, &root);
    cancel_init(&grandchild, &child);
    cancel_on_fire(&grandchild, count, &calls);

    cancel_fire(&child);
    cancel_fire(&child);
    assert_true(cancel_fired(&child));
    assert_true(cancel_fired(&grandchild));
    assert_false(cancel_fired(&root));
    assert_false(cancel_fired(&other));
    assert_int_equal(calls, 1);

    cancel_fire(&root);
    assert_true(cancel_fired(&other));
    assert_int_equal(calls, 1);
    cancel_done(&grandchild);
    cancel_done(&other);
    cancel_done(&child);
    cancel_done(&root);
}

static void child_of_a_fired_parent_is_born_fired(void **state)
{
    struct ein_cancel root, child;
    int calls = 0;

    cancel_init(&root, NULL);
    cancel_fire(&root);
    cancel_init(&child, &root);
    assert_true(cancel_fired(&child));
    cancel_on_fire(&child, count, &calls);
    assert_int_equal(calls, 1);
    assert_true(is_readable(cancel_fd(&child)));
    cancel_done(&child);
    cancel_done(&root);
}

static void descriptor_becomes_readable_and_stays_so(void **state)
{
    struct ein_cancel root;
    int fd;

    cancel_init(&root, NULL);
    fd = cancel_fd(&root);
    assert_true(fd >= 0);
    assert_int_equal(cancel_fd(&root), fd);
    assert_false(is_readable(fd));
    cancel_fire(&root);
    assert_true(is_readable(fd));
    assert_true(is_readable(fd));
    cancel_done(&root);
}

static void freed_children_are_not_fired(void **state)
{
    struct ein_cancel root, *child;
    int calls = 0;

    cancel_init(&root, NULL);
    child = cancel_new(&root);
    cancel_on_fire(child, count, &calls);
    cancel_free(child);
    cancel_free(NULL);
    cancel_fire(&root);
    assert_int_equal(calls, 0);
    cancel_done(&root);
}

struct slow {
    int entered, left; /* atomic */
};

static void be_slow(void *data)
{
    struct slow *slow = data;

    __atomic_store_n(&slow->entered, 1, __ATOMIC_RELEASE);
    (void)usleep(30000);
    __atomic_store_n(&slow->left, 1, __ATOMIC_RELEASE);
}

static void *fire(void *data)
{
    cancel_fire(data);
    return NULL;
}

static void end_of_a_token_waits_for_its_callback(void **state)
{
    struct ein_cancel root, *child;
    struct slow slow = { 0 };
    pthread_t thread;

    cancel_init(&root, NULL);
    child = cancel_new(&root);
    cancel_on_fire(child, be_slow, &slow);
    assert_int_equal(pthread_create(&thread, NULL, fire, &root), 0);
    while (!__atomic_load_n(&slow.entered, __ATOMIC_ACQUIRE))
        (void)usleep(100);
    cancel_free(child);
    assert_int_equal(__atomic_load_n(&slow.left, __ATOMIC_ACQUIRE), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    cancel_done(&root);
}

static void *make_and_free(void *data)
{
    for (int i = 0; i < 2000; i++) {
        struct ein_cancel *child = cancel_new(data), *below = cancel_new(child);
        int calls = 0;

        cancel_on_fire(below, count, &calls);
        (void)cancel_fd(child);
        cancel_free(below);
        assert_true(calls <= 1);
        cancel_free(child);
    }
    return NULL;
}

static void families_grow_and_shrink_while_they_fire(void **state)
{
    for (int round = 0; round < 10; round++) {
        struct ein_cancel root;
        pthread_t threads[4];

        cancel_init(&root, NULL);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, &root), 0);
        (void)usleep(500);
        cancel_fire(&root);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        cancel_done(&root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_its_children_and_not_its_parent),
        cmocka_unit_test(child_of_a_fired_parent_is_born_fired),
        cmocka_unit_test(descriptor_becomes_readable_and_stays_so),
        cmocka_unit_test(freed_children_are_not_fired),
        cmocka_unit_test(end_of_a_token_waits_for_its_callback),
        cmocka_unit_test(families_grow_and_shrink_while_they_fire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
