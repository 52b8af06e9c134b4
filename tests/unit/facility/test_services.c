/* SPDX-License-Identifier: Apache-2.0 */
#include "services.h"
#include "unit.h"

#include "gate.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t vtable = sizeof vtable;

struct world {
    struct services *services;
    struct gate one, two;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    *state = world;
    gate_init(&world->one);
    gate_init(&world->two);
    gate_open(&world->one);
    gate_open(&world->two);
    return services_new(&world->services);
}

static int teardown(void **state)
{
    struct world *world = *state;

    services_free(world->services);
    free(world);
    return 0;
}

static void publish(struct world *world, struct gate *gate, const char *iface, const char *name)
{
    struct ein_error err = { 0 };

    if (services_publish(world->services, gate, iface, name, &vtable, gate, &err) < 0)
        fail_msg("%s", err.text);
}

static const struct ein_service *acquire(struct world *world, const char *iface, const char *name)
{
    const struct ein_service *service = NULL;
    int r = services_acquire(world->services, iface, name, &service);

    assert_true(r == 0 || r == EIN_E_NOT_FOUND);
    assert_int_equal(r == 0, service != NULL);
    return service;
}

static void a_service_is_found_by_interface_and_name(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    publish(world, &world->one, "llm_provider/1", "a");
    publish(world, &world->two, "llm_provider/1", "b");
    service = acquire(world, "llm_provider/1", "b");
    assert_string_equal(service->iface, "llm_provider/1");
    assert_string_equal(service->name, "b");
    assert_ptr_equal(service->vtable, &vtable);
    assert_ptr_equal(service->impl, &world->two);
    services_release(service);
    assert_null(acquire(world, "llm_provider/1", "c"));
    assert_null(acquire(world, "llm_provider/2", "a"));
}

static void without_a_name_the_first_published_is_meant_or_the_configured(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    publish(world, &world->one, "storage_backend/1", "memory");
    publish(world, &world->two, "storage_backend/1", "sqlite");
    service = acquire(world, "storage_backend/1", NULL);
    assert_string_equal(service->name, "memory");
    services_release(service);
    assert_int_equal(services_set_default(world->services, "storage_backend/1", "sqlite"), 0);
    service = acquire(world, "storage_backend/1", NULL);
    assert_string_equal(service->name, "sqlite");
    services_release(service);
    assert_true(services_is_default(world->services, "storage_backend/1", &world->two));
    assert_false(services_is_default(world->services, "storage_backend/1", &world->one));
    assert_false(services_is_default(world->services, "absent/1", &world->one));
    services_withdraw(world->services, &world->two);
    assert_null(acquire(world, "storage_backend/1", NULL));
    assert_int_equal(services_set_default(world->services, "storage_backend/1", NULL), 0);
    service = acquire(world, "storage_backend/1", NULL);
    assert_string_equal(service->name, "memory");
    services_release(service);
}

static void a_name_is_taken_once(void **state)
{
    struct world *world = *state;
    struct ein_error err;

    publish(world, &world->one, "a/1", "x");
    publish(world, &world->one, "a/2", "x");
    assert_int_equal(
        services_publish(world->services, &world->two, "a/1", "x", &vtable, NULL, &err),
        EIN_E_CONFLICT);
    assert_non_null(strstr(err.text, "a/1"));
    services_withdraw(world->services, &world->one);
    publish(world, &world->two, "a/1", "x");
}

static void a_release_too_many_lets_nobody_else_out(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    publish(world, &world->one, "a/1", "x");
    service = acquire(world, "a/1", "x");
    assert_true(services_release(service));
    assert_false(services_release(service));
    assert_true(services_release(NULL));
    assert_int_equal(gate_inside(&world->one), 0);
    service = acquire(world, "a/1", "x");
    assert_non_null(service);
    assert_int_equal(gate_inside(&world->one), 1);
    assert_true(services_release(service));
}

static void bad_names_are_refused(void **state)
{
    static const char *const bad[] = { "", "a", "a/", "/1", "a/0", "a/x", "a/1x", "a/-1", NULL };
    struct world *world = *state;
    char longest[SERVICES_IFACE_MAX + 8];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(services_publish(world->services, NULL, bad[i], "x", &vtable, NULL, NULL),
                         EIN_E_INVALID);
    assert_int_equal(services_publish(world->services, NULL, "a/1", "", &vtable, NULL, NULL),
                     EIN_E_INVALID);
    assert_int_equal(services_publish(world->services, NULL, "a/1", "x", NULL, NULL, NULL),
                     EIN_E_INVALID);
    memset(longest, 'a', sizeof longest);
    memcpy(longest + sizeof longest - 3, "/1", 3);
    assert_int_equal(services_publish(world->services, NULL, longest, "x", &vtable, NULL, NULL),
                     EIN_E_INVALID);
}

static void who_has_not_started_or_is_leaving_is_not_found(void **state)
{
    struct world *world = *state;

    gate_init(&world->one);
    publish(world, &world->one, "a/1", "x");
    assert_null(acquire(world, "a/1", "x"));
    gate_open(&world->one);
    services_release(acquire(world, "a/1", "x"));
    gate_shut(&world->one);
    assert_null(acquire(world, "a/1", NULL));
}

static void a_held_service_keeps_its_owner_and_says_so(void **state)
{
    struct world *world = *state;
    const struct ein_service *first, *second;
    char held[128];

    publish(world, &world->one, "a/1", "x");
    first = acquire(world, "a/1", "x");
    second = acquire(world, "a/1", "x");
    services_withdraw(world->services, &world->one);
    gate_shut(&world->one);
    assert_null(acquire(world, "a/1", "x"));
    assert_string_equal(first->name, "x");
    assert_false(gate_drain(&world->one, 10));
    services_held(world->services, &world->one, held, sizeof held);
    assert_string_equal(held, "a/1 'x' (2)");
    services_release(first);
    services_release(second);
    services_held(world->services, &world->one, held, sizeof held);
    assert_string_equal(held, "");
    assert_true(gate_drain(&world->one, 1000));
    services_forget(world->services, &world->one);
    services_release(NULL);
}

struct names {
    char text[64];
    struct world *world;
    const char *stop_at;
};

static int note(const struct ein_service *service, void *data)
{
    struct names *names = data;

    (void)snprintf(names->text + strlen(names->text), sizeof names->text - strlen(names->text),
                   "%s ", service->name);
    /* No lock is held: the registry may be changed from here. */
    if (names->world) {
        publish(names->world, NULL, "new/1", service->name);
        services_withdraw(names->world->services, &names->world->two);
    }
    return names->stop_at && strcmp(names->stop_at, service->name) == 0 ? 7 : 0;
}

static void all_are_visited_in_the_order_of_publishing(void **state)
{
    struct world *world = *state;
    struct names names = { .world = NULL };

    publish(world, &world->two, "a/1", "z");
    publish(world, &world->one, "a/1", "y");
    publish(world, NULL, "a/1", "x");
    assert_int_equal(services_each(world->services, "a/1", note, &names), 0);
    assert_string_equal(names.text, "z y x ");
    names = (struct names){ .stop_at = "y" };
    assert_int_equal(services_each(world->services, "a/1", note, &names), 7);
    assert_string_equal(names.text, "z y ");
    names = (struct names){ .world = world };
    assert_int_equal(services_each(world->services, "a/1", note, &names), 0);
    assert_string_equal(names.text, "z y x ");
    gate_shut(&world->two);
    assert_true(gate_drain(&world->two, 0));
    assert_int_equal(services_each(world->services, "none/1", note, &names), 0);
}

/* Whoever waits for an owner to leave waits for those who are with it, not with another. */
static int leave_two(const struct ein_service *service, void *data)
{
    struct world *world = data;

    assert_string_equal(service->name, "first");
    gate_shut(&world->two);
    assert_true(gate_drain(&world->two, 0));
    return 0;
}

static void who_is_not_visited_yet_may_leave(void **state)
{
    struct world *world = *state;

    publish(world, &world->one, "a/1", "first");
    publish(world, &world->two, "a/1", "second");
    assert_int_equal(services_each(world->services, "a/1", leave_two, world), 0);
}

static void *acquire_often(void *data)
{
    struct world *world = data;

    for (int i = 0; i < 20000; i++) {
        const struct ein_service *service;

        if (services_acquire(world->services, "a/1", NULL, &service) == 0)
            services_release(service);
    }
    return NULL;
}

static void an_owner_comes_and_goes_while_others_call(void **state)
{
    struct world *world = *state;
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, acquire_often, world), 0);
    for (int i = 0; i < 300; i++) {
        gate_init(&world->one);
        publish(world, &world->one, "a/1", "x");
        gate_open(&world->one);
        gate_shut(&world->one);
        services_withdraw(world->services, &world->one);
        assert_true(gate_drain(&world->one, 10000));
        services_forget(world->services, &world->one);
    }
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_is_found_by_interface_and_name),
        TEST(without_a_name_the_first_published_is_meant_or_the_configured),
        TEST(a_name_is_taken_once),
        TEST(who_is_not_visited_yet_may_leave),
        TEST(a_release_too_many_lets_nobody_else_out),
        TEST(bad_names_are_refused),
        TEST(who_has_not_started_or_is_leaving_is_not_found),
        TEST(a_held_service_keeps_its_owner_and_says_so),
        TEST(all_are_visited_in_the_order_of_publishing),
        TEST(an_owner_comes_and_goes_while_others_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
