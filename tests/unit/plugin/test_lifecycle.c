/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle.h"

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "events.h"
#include "puppet.h"
#include "services.h"
#include "world.h"
#include <semaphore.h>
#include <string.h>

/* ---- start and stop ---- */

static void instances_start_as_they_need_each_other_and_leave_in_reverse(void **state)
{
    struct world *world = *state;

    world_start(world, "- {name: top, plugin: needs-b}\n"
                       "- {name: mid, plugin: needs-a, settings: {offer: b/1}}\n"
                       "- {name: bottom, plugin: puppet, settings: {offer: a/1}}\n");
    assert_string_equal(world_journal(world), "top:init mid:init bottom:init "
                                              "bottom:start mid:start top:start ");
    lifecycle_stop(world->lifecycle);
    assert_string_equal(world_journal(world),
                        "top:stop top:fini mid:stop mid:fini bottom:stop bottom:fini ");
    assert_int_equal(world->forgotten, 3);
}

static void a_need_that_nobody_meets_refuses_the_start_and_undoes_all(void **state)
{
    struct world *world = *state;

    world_refuse(world,
                 "- {name: base, plugin: puppet, settings: {offer: b/1}}\n"
                 "- {name: agents, plugin: needs-a}\n",
                 "agents needs a/1, which no enabled plugin offers");
    assert_string_equal(world_journal(world), "base:init agents:init agents:fini base:fini ");
    assert_null(world_acquire(world, "b/1"));
}

static void a_cycle_refuses_the_start(void **state)
{
    struct world *world = *state;

    world_refuse(world,
                 "- {name: hen, plugin: needs-a, settings: {offer: b/1}}\n"
                 "- {name: egg, plugin: needs-b, settings: {offer: a/1}}\n",
                 "hen needs a/1 of egg");
}

static void an_init_that_fails_undoes_what_it_published(void **state)
{
    struct world *world = *state;

    world_refuse(world,
                 "- {name: good, plugin: puppet, settings: {offer: a/1}}\n"
                 "- {name: bad, plugin: puppet, settings: {offer: b/1, fail: init}}\n"
                 "- {name: never, plugin: single}\n",
                 "bad: init: told to fail");
    assert_string_equal(world_journal(world), "good:init bad:init good:fini ");
    world_start(world, "- {name: good, plugin: puppet, settings: {offer: b/1}}\n");
}

static void a_start_that_fails_is_followed_by_fini_without_stop(void **state)
{
    struct world *world = *state;

    world_refuse(world,
                 "- {name: good, plugin: puppet, settings: {offer: a/1}}\n"
                 "- {name: bad, plugin: needs-a, settings: {fail: start}}\n",
                 "bad: start: told to fail");
    assert_string_equal(world_journal(world),
                        "good:init bad:init good:start bad:start bad:fini good:stop good:fini ");
}

static void all_faults_of_a_configuration_are_told_and_nothing_is_run(void **state)
{
    struct world *world = *state;
    EIN_FREE char *faults = NULL;
    struct config *config =
        world_config(world, "- {name: one, plugin: puppet, settings: {ofer: a/1}}\n"
                            "- {name: two, plugin: absent}\n"
                            "- {name: three, plugin: single}\n"
                            "- {name: four, plugin: single}\n");

    assert_int_equal(lifecycle_look(world->lifecycle, config, &faults), EIN_E_INVALID);
    assert_non_null(strstr(faults, "ofer"));
    assert_non_null(strstr(faults, "'absent'"));
    assert_non_null(
        strstr(faults, "plugins.four: the plugin single can have one instance, which is three"));
    assert_string_equal(world_journal(world), "");
}

static void instances_can_be_looked_at_without_being_started(void **state)
{
    struct world *world = *state;
    char *faults = NULL;
    struct config *config =
        world_config(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n"
                            "- {name: two, plugin: needs-a}\n");

    assert_int_equal(lifecycle_look(world->lifecycle, config, &faults), 0);
    services_release(world_acquire(world, "a/1"));
    lifecycle_stop(world->lifecycle);
    assert_string_equal(world_journal(world), "one:init two:init two:fini one:fini ");
}

static void who_serves_an_interface_is_started_with_what_it_needs_alone(void **state)
{
    struct world *world = *state;
    char *faults = NULL;
    struct config *config =
        world_config(world, "- {name: other, plugin: puppet, settings: {offer: c/1}}\n"
                            "- {name: two, plugin: needs-a, settings: {offer: b/1}}\n"
                            "- {name: one, plugin: puppet, settings: {offer: a/1}}\n"
                            "- {name: spare, plugin: single, settings: {offer: a/1}}\n");

    assert_int_equal(lifecycle_start_for(world->lifecycle, config, "b/1", &faults), 0);
    assert_string_equal(world_state(world, "one"), "ready");
    assert_string_equal(world_state(world, "two"), "ready");
    assert_string_equal(world_state(world, "other"), "starting");
    assert_string_equal(world_state(world, "spare"), "starting");
    lifecycle_stop(world->lifecycle);
}

static void settings_have_their_defaults_when_init_sees_them(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;
    struct ein_ctx *ctx;

    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    service = world_acquire(world, "a/1");
    ctx = ((const struct puppet_api *)service->vtable)->ctx(service->impl);
    assert_string_equal(json_string_value(json_object_get(ctx->settings, "topic")), "");
    assert_string_equal(ctx->name, "one");
    assert_ptr_equal(ctx->above, world);
    services_release(service);
}

/* ---- services while instances come and go ---- */

static const struct puppet_api *api_of(const struct ein_service *service)
{
    return service->vtable;
}

static const char one_on[] = "- {name: one, plugin: puppet, settings: {offer: a/1, topic: tick}}\n";
static const char one_off[] = "- {name: one, plugin: puppet, enabled: false}\n";

static void nobody_is_found_before_start_or_after_withdrawal(void **state)
{
    struct world *world = *state;

    world_start(world, one_on);
    services_release(world_acquire(world, "a/1"));
    world_reload(world, one_off);
    assert_null(world_acquire(world, "a/1"));
    assert_string_equal(world_state(world, "one"), "disabled");
    world_reload(world, one_off);
    world_reload(world, one_on);
    world_reload(world, one_on);
    services_release(world_acquire(world, "a/1"));
    assert_string_equal(world_state(world, "one"), "ready");
    assert_string_equal(world_journal(world),
                        "one:init one:start one:stop one:fini one:init one:start ");
}

static void a_held_service_keeps_the_instance_withdrawn_and_is_named(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    lifecycle_set_drain_ms(world->lifecycle, 20);
    world_start(world, one_on);
    service = world_acquire(world, "a/1");
    world_reload(world, one_off);
    assert_true(world_log_has(world, "a/1 'puppet' (1)"));
    assert_string_equal(world_state(world, "one"), "withdrawn");
    assert_non_null(strstr(world_reason(world, "one"), "a/1 'puppet' (1)"));
    assert_null(world_acquire(world, "a/1"));
    assert_int_equal(api_of(service)->greet(service->impl), 42);
    world_reload(world, one_on);
    assert_string_equal(world_state(world, "one"), "withdrawn");
    assert_string_equal(world_journal(world), "one:init one:start one:stop ");
    services_release(service);
    world_reload(world, one_on);
    assert_string_equal(world_journal(world), "one:fini one:init one:start ");
}

static void what_never_drains_is_left_alone_at_the_end(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    lifecycle_set_drain_ms(world->lifecycle, 20);
    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    service = world_acquire(world, "a/1");
    assert_false(lifecycle_stop(world->lifecycle));
    assert_int_equal(api_of(service)->greet(service->impl), 42);
    assert_string_equal(world_journal(world), "one:init one:start one:stop ");
    assert_true(world_log_has(world, "a/1 'puppet' (1)"));
    services_release(service);
    assert_true(lifecycle_stop(world->lifecycle));
    assert_string_equal(world_journal(world), "one:fini ");
}

static void an_init_that_fails_while_its_job_runs_is_undone_when_the_job_ends(void **state)
{
    struct world *world = *state;

    lifecycle_set_drain_ms(world->lifecycle, 20);
    world_refuse(world, "- {name: bad, plugin: puppet, settings: {busy_ms: 3000, fail: init}}\n",
                 "bad: init: told to fail; bad: still in use after 20 ms, held by 1 jobs");
    assert_false(lifecycle_stop(world->lifecycle));
    assert_int_equal(world->forgotten, 0);
    lifecycle_set_drain_ms(world->lifecycle, 10000);
    assert_true(lifecycle_stop(world->lifecycle));
    assert_int_equal(world->forgotten, 1);
    assert_string_equal(world_journal(world), "bad:init ");
}

static void all_leave_within_one_deadline(void **state)
{
    struct world *world = *state;
    const struct ein_service *services[2];
    int64_t began_ms;

    lifecycle_set_drain_ms(world->lifecycle, 3000);
    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n"
                       "- {name: two, plugin: puppet, settings: {offer: b/1}}\n"
                       "- {name: free, plugin: puppet}\n");
    services[0] = world_acquire(world, "a/1");
    services[1] = world_acquire(world, "b/1");
    (void)world_journal(world);
    began_ms = clock_mono_ms();
    assert_false(lifecycle_stop(world->lifecycle));
    assert_in_range(clock_mono_ms() - began_ms, 3000, 5999);
    assert_string_equal(world_journal(world), "free:stop free:fini two:stop one:stop ");
    services_release(services[0]);
    services_release(services[1]);
}

struct caller {
    struct world *world;
    int calls;         /* atomic */
    int absent, wrong; /* its own */
    int *ending;       /* atomic */
};

static void *call_often(void *data)
{
    struct caller *caller = data;

    while (!__atomic_load_n(caller->ending, __ATOMIC_RELAXED)) {
        const struct ein_service *service = NULL;

        if (services_acquire(caller->world->services, "a/1", NULL, &service) < 0) {
            caller->absent++;
            continue;
        }
        (void)__atomic_add_fetch(&caller->calls, 1, __ATOMIC_RELAXED);
        caller->wrong += api_of(service)->greet(service->impl) != 42;
        services_release(service);
    }
    return NULL;
}

static void an_instance_comes_and_goes_while_calls_run(void **state)
{
    struct world *world = *state;
    struct caller callers[4];
    pthread_t threads[4];
    struct config *on = world_config(world, one_on), *off = world_config(world, one_off);
    char *faults = NULL;
    int ending = 0;

    world_start(world, one_on);
    for (size_t i = 0; i < 4; i++) {
        callers[i] = (struct caller){ .world = world, .ending = &ending };
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        while (__atomic_load_n(&callers[i].calls, __ATOMIC_RELAXED) == 0)
            (void)sched_yield();
    for (int i = 0; i < 200; i++) {
        events_emit(world->events, "tick", json_integer(i));
        assert_int_equal(lifecycle_reload(world->lifecycle, off, &faults), 0);
        assert_string_equal(world_state(world, "one"), "disabled");
        assert_int_equal(lifecycle_reload(world->lifecycle, on, &faults), 0);
        assert_string_equal(world_state(world, "one"), "ready");
    }
    __atomic_store_n(&ending, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong, 0);
    }
}

struct blocked {
    sem_t started, go;
};

static void block(void *data)
{
    struct blocked *blocked = data;

    (void)sem_post(&blocked->started);
    (void)sem_wait(&blocked->go);
}

static void jobs_have_ended_before_fini(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;
    struct blocked *blocked = calloc(1, sizeof *blocked);

    (void)sem_init(&blocked->started, 0, 0);
    (void)sem_init(&blocked->go, 0, 0);
    lifecycle_set_drain_ms(world->lifecycle, 20);
    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    service = world_acquire(world, "a/1");
    assert_int_equal(api_of(service)->submit(service->impl, block, blocked), 0);
    services_release(service);
    (void)sem_wait(&blocked->started);
    world_reload(world, one_off);
    assert_non_null(strstr(world_reason(world, "one"), "1 jobs"));
    (void)sem_post(&blocked->go);
    lifecycle_set_drain_ms(world->lifecycle, 10000);
    world_reload(world, one_off);
    assert_string_equal(world_state(world, "one"), "disabled");
    free(blocked);
}

static void who_waits_hears_that_the_instance_leaves(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;
    struct ein_ctx *ctx;

    lifecycle_set_drain_ms(world->lifecycle, 20);
    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    service = world_acquire(world, "a/1");
    ctx = api_of(service)->ctx(service->impl);
    assert_false(cancel_fired(&ctx->stopping));
    world_reload(world, one_off);
    assert_true(cancel_fired(&ctx->stopping));
    services_release(service);
}

static void events_reach_only_those_who_have_started(void **state)
{
    struct world *world = *state;

    world_start(world, one_on);
    events_emit(world->events, "tick", json_true());
    world_expect(world, "one:init one:start one:tick ");
    world_reload(world, one_off);
    events_emit(world->events, "tick", json_true());
    world_reload(world, one_on);
    assert_string_equal(world_journal(world), "one:stop one:fini one:init one:start ");
}

/* ---- what an instance may ask ---- */

static void an_instance_says_itself_that_it_is_not_well(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;
    bool well = true;

    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1, fail: unready}}\n");
    assert_string_equal(world_state(world, "one"), "unready");
    assert_string_equal(world_reason(world, "one"), "not warm yet");
    json_decref(lifecycle_status(world->lifecycle, &well));
    assert_false(well);
    service = world_acquire(world, "a/1");
    api_of(service)->unready(service->impl, NULL);
    assert_string_equal(world_state(world, "one"), "ready");
    json_decref(lifecycle_status(world->lifecycle, &well));
    assert_true(well);
    api_of(service)->unready(service->impl, "out of breath");
    assert_string_equal(world_reason(world, "one"), "out of breath");
    services_release(service);
}

static void services_are_published_in_init_only(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    service = world_acquire(world, "a/1");
    assert_int_equal(api_of(service)->publish_late(service->impl), EIN_E_INVALID);
    assert_null(world_acquire(world, "late/1"));
    services_release(service);
}

static void a_service_without_a_name_bears_that_of_its_instance(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;

    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1, unnamed: 'yes'}}\n"
                       "- {name: two, plugin: puppet, settings: {offer: a/1, unnamed: 'yes'}}\n");
    service = world_acquire(world, "a/1");
    assert_string_equal(service->name, "one");
    services_release(service);
}

static void a_secret_stays_where_it_is_until_fini(void **state)
{
    struct world *world = *state;
    const struct ein_service *service;
    const char *secret;

    assert_int_equal(setenv("PUPPET_SECRET", "sesame", 1), 0);
    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    service = world_acquire(world, "a/1");
    secret = api_of(service)->secret(service->impl, "PUPPET_SECRET");
    assert_string_equal(secret, "sesame");
    assert_int_equal(setenv("PUPPET_SECRET", "other", 1), 0);
    assert_ptr_equal(api_of(service)->secret(service->impl, "PUPPET_SECRET"), secret);
    assert_null(api_of(service)->secret(service->impl, "PUPPET_SECRET_THAT_IS_NOT"));
    services_release(service);
    assert_int_equal(unsetenv("PUPPET_SECRET"), 0);
}

/* ---- another configuration ---- */

static void only_what_changed_is_touched(void **state)
{
    struct world *world = *state;

    world_start(world, "- {name: keep, plugin: puppet, settings: {offer: a/1}}\n"
                       "- {name: change, plugin: needs-a}\n"
                       "- {name: remove, plugin: needs-a}\n");
    (void)world_journal(world);
    world_reload(world, "- {name: change, plugin: needs-a, settings: {topic: x}}\n"
                        "- {name: keep, plugin: puppet, settings: {offer: a/1}}\n"
                        "- {name: add, plugin: single}\n");
    assert_string_equal(world_journal(world), "remove:stop remove:fini change:stop change:fini "
                                              "change:init add:init change:start add:start ");
    assert_null(world_state(world, "remove"));
    assert_string_equal(world_state(world, "change"), "ready");
    services_release(world_acquire(world, "a/1"));
}

static void a_configuration_with_faults_changes_nothing(void **state)
{
    struct world *world = *state;
    EIN_FREE char *faults = NULL;
    struct config *config;

    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    (void)world_journal(world);
    config = world_config(world, "- {name: two, plugin: absent}\n");
    assert_int_equal(lifecycle_reload(world->lifecycle, config, &faults), EIN_E_INVALID);
    assert_non_null(strstr(faults, "absent"));
    assert_string_equal(world_journal(world), "");
    services_release(world_acquire(world, "a/1"));
}

static void what_fails_at_reload_leaves_the_others_up(void **state)
{
    struct world *world = *state;

    world_start(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n");
    world_reload(world, "- {name: one, plugin: puppet, settings: {offer: a/1}}\n"
                        "- {name: bad, plugin: puppet, settings: {offer: b/1, fail: start}}\n"
                        "- {name: needy, plugin: needs-b}\n"
                        "- {name: lost, plugin: needs-c}\n"
                        "- {name: fine, plugin: needs-a}\n");
    assert_string_equal(world_state(world, "one"), "ready");
    assert_string_equal(world_state(world, "bad"), "failed");
    assert_string_equal(world_reason(world, "bad"), "told to fail");
    assert_string_equal(world_state(world, "needy"), "failed");
    assert_string_equal(world_state(world, "lost"), "failed");
    assert_string_equal(world_state(world, "fine"), "ready");
    assert_true(world_log_has(world, "bad: start: told to fail"));
    assert_true(world_log_has(world, "needy needs b/1"));
    assert_true(world_log_has(world, "lost needs c/1"));

    world_reload(world, "- {name: bad, plugin: puppet, settings: {offer: b/1}}\n"
                        "- {name: needy, plugin: needs-b}\n");
    assert_string_equal(world_state(world, "needy"), "ready");
}

static void what_is_not_enabled_is_not_opened_until_it_is(void **state)
{
    static const char two[] =
        "- {name: two, plugin: absent, enabled: false}\n"
        "- {name: three, plugin: puppet, enabled: false, settings: {ofer: x}}\n";
    struct world *world = *state;
    char off[256], on[256];

    (void)snprintf(off, sizeof off, "%s%s", one_off, two);
    (void)snprintf(on, sizeof on, "%s%s", one_on, two);
    world_start(world, off);
    assert_string_equal(world_journal(world), "");
    assert_string_equal(world_state(world, "one"), "disabled");
    world_reload(world, on);
    services_release(world_acquire(world, "a/1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(instances_start_as_they_need_each_other_and_leave_in_reverse),
        TEST(a_need_that_nobody_meets_refuses_the_start_and_undoes_all),
        TEST(a_cycle_refuses_the_start),
        TEST(an_init_that_fails_undoes_what_it_published),
        TEST(a_start_that_fails_is_followed_by_fini_without_stop),
        TEST(all_faults_of_a_configuration_are_told_and_nothing_is_run),
        TEST(instances_can_be_looked_at_without_being_started),
        TEST(who_serves_an_interface_is_started_with_what_it_needs_alone),
        TEST(settings_have_their_defaults_when_init_sees_them),
        TEST(nobody_is_found_before_start_or_after_withdrawal),
        TEST(a_held_service_keeps_the_instance_withdrawn_and_is_named),
        TEST(what_never_drains_is_left_alone_at_the_end),
        TEST(an_init_that_fails_while_its_job_runs_is_undone_when_the_job_ends),
        TEST(all_leave_within_one_deadline),
        TEST(an_instance_comes_and_goes_while_calls_run),
        TEST(jobs_have_ended_before_fini),
        TEST(who_waits_hears_that_the_instance_leaves),
        TEST(events_reach_only_those_who_have_started),
        TEST(an_instance_says_itself_that_it_is_not_well),
        TEST(services_are_published_in_init_only),
        TEST(a_service_without_a_name_bears_that_of_its_instance),
        TEST(a_secret_stays_where_it_is_until_fini),
        TEST(only_what_changed_is_touched),
        TEST(a_configuration_with_faults_changes_nothing),
        TEST(what_fails_at_reload_leaves_the_others_up),
        TEST(what_is_not_enabled_is_not_opened_until_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
