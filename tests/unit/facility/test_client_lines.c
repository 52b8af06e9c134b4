/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel.h"
#include "client_world.h"
#include "clock.h"
#include "section.h"

static void change(const char *name, int value)
{
    json_t *changes = name ? json_pack("{s: i}", name, value) : NULL;
    json_t *settings = section_with("egress", changes);
    struct ein_error err;

    assert_int_equal(client_reload(client, settings, &err), 0);
    json_decref(settings);
    json_decref(changes);
}

static int default_settings(void **state)
{
    change(NULL, 0);
    return 0;
}

/* The number of the connection over which the upstream was reached. */
static int connection_of(const char *path)
{
    struct reply reply = get(path);
    int number;

    assert_ok(&reply);
    number = atoi(header(&reply, "x-connection"));
    done(&reply);
    return number;
}

static const char *by_name(void)
{
    static _Thread_local char url[64];

    (void)snprintf(url, sizeof url, "http://localhost:%d/hello", upstream.port);
    return url;
}

/* ---- idle ones ---- */

static void only_as_many_as_may_stay_open_and_the_oldest_goes_first(void **state)
{
    int first;

    change("idle_connections", 1);
    first = connection_of("/hello");
    assert_int_equal(connection_of("/hello"), first);
    (void)connection_of(by_name());
    assert_int_not_equal(connection_of("/hello"), first);

    change("idle_connections", 2);
    first = connection_of("/hello");
    (void)connection_of(by_name());
    assert_int_equal(connection_of("/hello"), first);
}

static void one_that_was_idle_for_too_long_is_not_used_again(void **state)
{
    int first;

    change("idle_connection_ms", 1);
    first = connection_of("/hello");
    (void)usleep(5000);
    assert_int_not_equal(connection_of("/hello"), first);
}

static void other_settings_want_other_connections(void **state)
{
    int first = connection_of("/hello");

    change(NULL, 0);
    assert_int_not_equal(connection_of("/hello"), first);
}

static void one_that_its_server_closed_meanwhile_costs_nothing(void **state)
{
    struct reply reply;

    (void)connection_of("/hello");
    reply = get("/close"); /* closes without a word */
    assert_int_equal(reply.r, EIN_E_UNAVAILABLE);
    (void)connection_of("/hello");
}

static void what_comes_behind_a_reply_is_not_the_next_one(void **state)
{
    struct reply reply = get("/behind");

    assert_string_equal(reply.got.body, "asked");
    done(&reply);
    (void)usleep(500 * 1000); /* until it has come */
    reply = get("/hello");
    assert_ok(&reply);
    assert_string_equal(reply.got.body, "hello");
    done(&reply);
}

/* ---- all that may be open ---- */

struct held {
    pthread_t thread;
    struct ein_cancel *cancel;
    struct client *client;
    int r; /* what the fetch ended with */
};

/* The one connection that `of` may have. */
static bool in_use(struct client *of)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    bool is;

    what.connect_ms = 1;
    reply = run_on(of, &what, "/hello");
    is = reply.r == EIN_E_TIMEOUT && strstr(reply.err.text, "egress.connections");
    done(&reply);
    return is;
}

static void *hold(void *data)
{
    struct held *held = data;
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.cancel = held->cancel;
    reply = run_on(held->client, &what, "/silent");
    held->r = reply.r;
    done(&reply);
    return NULL;
}

static void hold_one(struct held *held, struct client *of)
{
    held->cancel = cancel_new(NULL);
    held->client = of;
    assert_int_equal(pthread_create(&held->thread, NULL, hold, held), 0);
    while (!in_use(of))
        continue;
}

static void let_go(struct held *held)
{
    cancel_fire(held->cancel);
    (void)pthread_join(held->thread, NULL);
    cancel_free(held->cancel);
    assert_int_equal(held->r, EIN_E_CANCELLED);
}

static void a_fetch_waits_for_one_as_long_as_it_may_take_to_connect(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    struct held held;

    change("connections", 1);
    hold_one(&held, client);
    what.connect_ms = 50;
    reply = run(&what, "/hello");
    assert_fails(&reply, EIN_E_TIMEOUT, "egress.connections");
    let_go(&held);
    (void)connection_of("/hello");
}

static void nor_longer_than_the_whole_of_it_may_take(void **state)
{
    struct ein_fetch what = by_operator();
    int64_t began_ms = clock_mono_ms();
    struct reply reply;
    struct held held;

    change("connections", 1);
    hold_one(&held, client);
    what.total_ms = 50;
    what.connect_ms = 5000;
    reply = run(&what, "/hello");
    assert_fails(&reply, EIN_E_TIMEOUT, "egress.connections");
    assert_true(clock_mono_ms() - began_ms < 4000);
    let_go(&held);
}

static void *let_go_later(void *data)
{
    (void)usleep(20 * 1000);
    let_go(data);
    return NULL;
}

static void it_goes_on_when_one_is_free(void **state)
{
    struct held held;
    pthread_t thread;

    change("connections", 1);
    hold_one(&held, client);
    assert_int_equal(pthread_create(&thread, NULL, let_go_later, &held), 0);
    (void)connection_of("/hello");
    (void)pthread_join(thread, NULL);
}

static void a_fetch_that_waits_is_cancelled(void **state)
{
    struct held first, second;

    change("connections", 1);
    hold_one(&first, client);
    hold_one(&second, client);
    let_go(&second);
    let_go(&first);
}

static void an_idle_one_makes_room_for_one_to_somewhere_else(void **state)
{
    change("connections", 1);
    (void)connection_of("/hello");
    (void)connection_of(by_name());
    (void)connection_of("/hello");
}

static void a_fetch_that_goes_on_ends_with_its_client(void **state)
{
    json_t *changes = json_pack("{s: i}", "connections", 1);
    json_t *settings = section_with("egress", changes);
    struct client *other;
    struct held held;
    struct ein_error err;

    assert_int_equal(client_new(settings, NULL, 0, NULL, &other, &err), 0);
    json_decref(settings);
    json_decref(changes);
    hold_one(&held, other);
    client_free(other);
    (void)pthread_join(held.thread, NULL);
    assert_int_equal(held.r, EIN_E_CANCELLED);
    cancel_free(held.cancel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, default_settings)
    const struct CMUnitTest tests[] = {
        TEST(only_as_many_as_may_stay_open_and_the_oldest_goes_first),
        TEST(one_that_was_idle_for_too_long_is_not_used_again),
        TEST(other_settings_want_other_connections),
        TEST(one_that_its_server_closed_meanwhile_costs_nothing),
        TEST(what_comes_behind_a_reply_is_not_the_next_one),
        TEST(a_fetch_waits_for_one_as_long_as_it_may_take_to_connect),
        TEST(nor_longer_than_the_whole_of_it_may_take),
        TEST(it_goes_on_when_one_is_free),
        TEST(a_fetch_that_waits_is_cancelled),
        TEST(an_idle_one_makes_room_for_one_to_somewhere_else),
        TEST(a_fetch_that_goes_on_ends_with_its_client),
    };

    return cmocka_run_group_tests(tests, client_world_setup, client_world_teardown);
}
