/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"
#include "unit.h"

#include "gate.h"
#include "jobs.h"
#include "metrics.h"
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

struct listener {
    json_int_t last; /* -1: an event came out of order */
    sem_t got, go;
    bool waits;
};

struct world {
    struct jobs *jobs;
    struct metrics *metrics;
    struct events *events;
    struct gate gate;
    struct listener one, two; /* they outlive the workers */
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    *state = world;
    gate_init(&world->gate);
    gate_open(&world->gate);
    if (jobs_new(4, 10, &world->jobs, NULL) < 0 || metrics_new(&world->metrics) < 0)
        return -1;
    return events_new(world->jobs, world->metrics, &world->events);
}

static int teardown(void **state)
{
    struct world *world = *state;

    jobs_free(world->jobs);
    events_free(world->events);
    metrics_free(world->metrics);
    free(world);
    return 0;
}

static void listener_init(struct listener *listener)
{
    *listener = (struct listener){ .last = 0 };
    (void)sem_init(&listener->got, 0, 0);
    (void)sem_init(&listener->go, 0, 0);
}

static void listen_to(const char *topic, const json_t *event, void *data)
{
    struct listener *listener = data;
    json_int_t number = json_integer_value(event);

    assert_string_equal(topic, "numbers");
    listener->last = number == listener->last + 1 ? number : -1;
    (void)sem_post(&listener->got);
    if (listener->waits)
        (void)sem_wait(&listener->go);
}

static void subscribe(struct world *world, struct gate *gate, struct listener *listener)
{
    assert_int_equal(events_subscribe(world->events, gate, "numbers", listen_to, listener), 0);
}

static void events_of_a_topic_arrive_in_order_at_every_subscriber(void **state)
{
    struct world *world = *state;
    struct listener *one = &world->one, *two = &world->two;

    listener_init(one);
    listener_init(two);
    subscribe(world, &world->gate, one);
    subscribe(world, NULL, two);
    for (int i = 1; i <= 1000; i++)
        events_emit(world->events, "numbers", json_integer(i));
    for (int i = 1; i <= 1000; i++) {
        (void)sem_wait(&one->got);
        (void)sem_wait(&two->got);
    }
    assert_int_equal(one->last, 1000);
    assert_int_equal(two->last, 1000);
}

static void what_nobody_listens_to_is_gone(void **state)
{
    struct world *world = *state;
    struct listener *listener = &world->one;

    listener_init(listener);
    events_emit(world->events, "numbers", json_integer(7));
    events_emit(world->events, NULL, json_integer(7));
    events_emit(world->events, "numbers", NULL);
    subscribe(world, NULL, listener);
    events_emit(world->events, "others", json_integer(7));
    events_emit(world->events, "numbers", json_integer(1));
    (void)sem_wait(&listener->got);
    assert_int_equal(listener->last, 1);
}

static void a_queue_that_is_full_loses_the_newest_and_counts_them(void **state)
{
    struct world *world = *state;
    struct listener *listener = &world->one;
    char *text;

    listener_init(listener);
    listener->waits = true;
    subscribe(world, NULL, listener);
    events_emit(world->events, "numbers", json_integer(1));
    (void)sem_wait(&listener->got); /* it is out of the queue */
    for (int i = 2; i <= EVENTS_QUEUE_MAX + 4; i++)
        events_emit(world->events, "numbers", json_integer(i));
    (void)sem_post(&listener->go);
    for (int i = 2; i <= EVENTS_QUEUE_MAX + 1; i++) {
        (void)sem_wait(&listener->got);
        (void)sem_post(&listener->go);
    }
    assert_int_equal(listener->last, EVENTS_QUEUE_MAX + 1);
    assert_int_equal(metrics_text(world->metrics, &text, NULL), 0);
    assert_non_null(strstr(text, "einion_events_dropped_total 3\n"));
    free(text);
}

static void a_subscriber_behind_a_shut_gate_hears_nothing(void **state)
{
    struct world *world = *state;
    struct listener *shut = &world->one, *open = &world->two;
    struct gate gate;

    gate_init(&gate);
    listener_init(shut);
    listener_init(open);
    subscribe(world, &gate, shut);
    subscribe(world, NULL, open);
    events_emit(world->events, "numbers", json_integer(1));
    (void)sem_wait(&open->got);
    assert_int_equal(shut->last, 0);
}

static void delivery_holds_the_gate_and_ends_with_the_subscription(void **state)
{
    struct world *world = *state;
    struct listener *listener = &world->one, *after = &world->two;

    listener_init(listener);
    listener_init(after);
    listener->waits = true;
    subscribe(world, &world->gate, listener);
    subscribe(world, NULL, after);
    events_emit(world->events, "numbers", json_integer(1));
    events_emit(world->events, "numbers", json_integer(2));
    (void)sem_wait(&listener->got);
    gate_shut(&world->gate);
    events_withdraw(world->events, &world->gate);
    assert_false(gate_drain(&world->gate, 10));
    (void)sem_post(&listener->go);
    assert_true(gate_drain(&world->gate, 10000));
    (void)sem_wait(&after->got);
    (void)sem_wait(&after->got);
    assert_int_equal(after->last, 2);
    assert_int_equal(listener->last, 1);
}

static void a_topic_needs_a_name(void **state)
{
    struct world *world = *state;
    char name[EVENTS_TOPIC_NAME_MAX + 2];

    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(events_subscribe(world->events, NULL, "", listen_to, NULL), EIN_E_INVALID);
    assert_int_equal(events_subscribe(world->events, NULL, name, listen_to, NULL), EIN_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_of_a_topic_arrive_in_order_at_every_subscriber),
        TEST(what_nobody_listens_to_is_gone),
        TEST(a_queue_that_is_full_loses_the_newest_and_counts_them),
        TEST(a_subscriber_behind_a_shut_gate_hears_nothing),
        TEST(delivery_holds_the_gate_and_ends_with_the_subscription),
        TEST(a_topic_needs_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
