/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"
#include "unit.h"

#include "clock.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

/* A job that tells of each of its moments, and waits where it is told to. */
struct task {
    sem_t started, go;
    bool waits;
    int ran, dropped; /* atomic */
};

static void task_init(struct task *task, bool waits)
{
    *task = (struct task){ .waits = waits };
    (void)sem_init(&task->started, 0, 0);
    (void)sem_init(&task->go, 0, 0);
}

static void run(void *data)
{
    struct task *task = data;

    (void)__atomic_add_fetch(&task->ran, 1, __ATOMIC_SEQ_CST);
    (void)sem_post(&task->started);
    if (task->waits)
        (void)sem_wait(&task->go);
}

static void drop(void *data)
{
    (void)__atomic_add_fetch(&((struct task *)data)->dropped, 1, __ATOMIC_SEQ_CST);
}

static int count(const int *what)
{
    return __atomic_load_n(what, __ATOMIC_SEQ_CST);
}

static struct jobs *make(uint32_t workers, uint32_t queue_max)
{
    struct jobs *jobs = NULL;
    struct ein_error err = { 0 };

    if (jobs_new(workers, queue_max, &jobs, &err) < 0)
        fail_msg("%s", err.text);
    return jobs;
}

static void finish(struct jobs *jobs, struct jobs_owner *owner)
{
    jobs_withdraw(jobs, owner);
    assert_true(jobs_drain(jobs, owner, 10000));
    jobs_free(jobs);
}

static void a_job_runs_once_and_is_dropped_once(void **state)
{
    struct jobs *jobs = make(2, 10);
    struct jobs_owner owner;
    struct task task;

    jobs_owner_init(&owner);
    task_init(&task, false);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &task), 0);
    (void)sem_wait(&task.started);
    assert_true(jobs_drain(jobs, &owner, 10000));
    assert_int_equal(count(&task.ran), 1);
    assert_int_equal(count(&task.dropped), 1);
    finish(jobs, &owner);
    assert_int_equal(count(&task.dropped), 1);
}

static void a_full_queue_refuses_and_drops(void **state)
{
    struct jobs *jobs = make(1, 2);
    struct jobs_owner owner;
    struct task blocker, queued, refused;

    jobs_owner_init(&owner);
    task_init(&blocker, true);
    task_init(&queued, false);
    task_init(&refused, false);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &blocker), 0);
    (void)sem_wait(&blocker.started);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &queued), 0);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &queued), 0);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &refused), EIN_E_BUSY);
    assert_int_equal(count(&refused.dropped), 1);
    assert_int_equal(count(&refused.ran), 0);
    (void)sem_post(&blocker.go);
    assert_true(jobs_drain(jobs, &owner, 10000));
    assert_int_equal(count(&queued.ran), 2);
    finish(jobs, &owner);
}

static void an_owner_that_leaves_drops_what_waits_and_waits_for_what_runs(void **state)
{
    struct jobs *jobs = make(1, 10);
    struct jobs_owner owner, other;
    struct task blocker, queued, others;

    jobs_owner_init(&owner);
    jobs_owner_init(&other);
    task_init(&blocker, true);
    task_init(&queued, false);
    task_init(&others, false);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &blocker), 0);
    (void)sem_wait(&blocker.started);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &queued), 0);
    assert_int_equal(jobs_submit(jobs, &other, run, drop, &others), 0);

    jobs_withdraw(jobs, &owner);
    assert_int_equal(count(&queued.dropped), 1);
    assert_int_equal(count(&queued.ran), 0);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &queued), EIN_E_UNAVAILABLE);
    assert_int_equal(count(&queued.dropped), 2);
    assert_int_equal(jobs_every(jobs, &owner, 10, run, &queued), EIN_E_UNAVAILABLE);
    assert_int_equal(jobs_running(jobs, &owner), 1);
    assert_false(jobs_drain(jobs, &owner, 20));
    (void)sem_post(&blocker.go);
    assert_true(jobs_drain(jobs, &owner, 10000));
    assert_int_equal(count(&blocker.dropped), 1);
    assert_true(jobs_drain(jobs, &other, 10000));
    assert_int_equal(count(&others.ran), 1);
    finish(jobs, &other);
}

static void the_end_drops_what_never_ran(void **state)
{
    struct jobs *jobs = make(1, 10);
    struct jobs_owner owner;
    struct task blocker, queued;

    jobs_owner_init(&owner);
    task_init(&blocker, true);
    task_init(&queued, false);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &blocker), 0);
    (void)sem_wait(&blocker.started);
    for (int i = 0; i < 5; i++)
        assert_int_equal(jobs_submit(jobs, &owner, run, drop, &queued), 0);
    (void)sem_post(&blocker.go);
    jobs_free(jobs);
    assert_int_equal(count(&blocker.dropped), 1);
    assert_int_equal(count(&queued.dropped), 5);
}

static void a_timer_keeps_its_step_beside_a_slower_one(void **state)
{
    struct jobs *jobs = make(2, 10);
    struct jobs_owner owner;
    struct task fast, slow;
    int64_t began_ms = clock_mono_ms(), took_ms;
    int ran;

    jobs_owner_init(&owner);
    task_init(&fast, false);
    task_init(&slow, false);
    assert_int_equal(jobs_every(jobs, &owner, 500, run, &slow), 0);
    assert_int_equal(jobs_every(jobs, &owner, 20, run, &fast), 0);
    (void)sem_wait(&slow.started);
    ran = count(&fast.ran); /* 25 times, or fewer on a busy machine */
    took_ms = clock_mono_ms() - began_ms;
    finish(jobs, &owner);
    assert_in_range(took_ms, 499, 100000);
    assert_in_range(ran, 5, took_ms / 20);
}

static void a_late_timer_does_not_catch_up(void **state)
{
    struct jobs *jobs = make(1, 10);
    struct jobs_owner owner;
    struct task timer;

    jobs_owner_init(&owner);
    task_init(&timer, true);
    assert_int_equal(jobs_every(jobs, &owner, 20, run, &timer), 0);
    (void)sem_wait(&timer.started);
    (void)usleep(200 * 1000); /* ten periods, in the first run */
    (void)sem_post(&timer.go);
    (void)sem_wait(&timer.started);
    assert_int_equal(count(&timer.ran), 2);
    (void)sem_post(&timer.go);
    (void)sem_wait(&timer.started);
    assert_int_equal(count(&timer.ran), 3);
    (void)sem_post(&timer.go);
    jobs_withdraw(jobs, &owner);
    (void)sem_post(&timer.go);
    assert_true(jobs_drain(jobs, &owner, 10000));
    jobs_free(jobs);
}

static void timers_do_not_starve_behind_other_workers_jobs(void **state)
{
    struct jobs *jobs = make(2, 10);
    struct jobs_owner owner;
    struct task blocker, timer;

    jobs_owner_init(&owner);
    task_init(&blocker, true);
    task_init(&timer, false);
    assert_int_equal(jobs_every(jobs, &owner, 30, run, &timer), 0);
    (void)usleep(5000);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &blocker), 0);
    (void)sem_wait(&blocker.started);
    for (int i = 0; i < 3; i++)
        (void)sem_wait(&timer.started);
    (void)sem_post(&blocker.go);
    finish(jobs, &owner);
}

static void a_timer_waits_for_one_job_and_not_for_all(void **state)
{
    struct jobs *jobs = make(1, 20);
    struct jobs_owner owner;
    struct task blocker, slow, timer;

    jobs_owner_init(&owner);
    task_init(&blocker, true);
    task_init(&slow, true);
    task_init(&timer, false);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &blocker), 0);
    (void)sem_wait(&blocker.started);
    for (int i = 0; i < 10; i++)
        assert_int_equal(jobs_submit(jobs, &owner, run, drop, &slow), 0);
    assert_int_equal(jobs_every(jobs, &owner, 10, run, &timer), 0);
    (void)usleep(50 * 1000);
    (void)sem_post(&blocker.go);
    (void)sem_wait(&slow.started);
    assert_int_equal(count(&timer.ran), 0);
    (void)sem_post(&slow.go);
    (void)sem_wait(&timer.started);
    assert_in_range(count(&slow.ran), 1, 2);
    for (int i = 0; i < 10; i++)
        (void)sem_post(&slow.go);
    finish(jobs, &owner);
}

static void a_timer_ends_with_its_owner_even_while_it_runs(void **state)
{
    struct jobs *jobs = make(2, 10);
    struct jobs_owner owner;
    struct task timer;
    int ran;

    jobs_owner_init(&owner);
    task_init(&timer, true);
    assert_int_equal(jobs_every(jobs, &owner, 5, run, &timer), 0);
    (void)sem_wait(&timer.started);
    jobs_withdraw(jobs, &owner);
    assert_false(jobs_drain(jobs, &owner, 10));
    (void)sem_post(&timer.go);
    assert_true(jobs_drain(jobs, &owner, 10000));
    ran = count(&timer.ran);
    (void)usleep(30 * 1000);
    assert_int_equal(count(&timer.ran), ran);
    jobs_free(jobs);
}

struct storm {
    struct jobs *jobs;
    struct jobs_owner *owner;
    struct task *task;
};

static void *submit_many(void *data)
{
    const struct storm *storm = data;

    for (int i = 0; i < 2000; i++)
        (void)jobs_submit(storm->jobs, storm->owner, run, drop, storm->task);
    return NULL;
}

static void every_job_of_a_storm_is_dropped_exactly_once(void **state)
{
    struct jobs *jobs = make(4, 100);
    struct jobs_owner owner;
    struct task task;
    struct storm storm = { jobs, &owner, &task };
    pthread_t threads[4];

    jobs_owner_init(&owner);
    task_init(&task, false);
    assert_int_equal(jobs_every(jobs, &owner, 1, run, &task), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &storm), 0);
    (void)usleep(2000);
    jobs_withdraw(jobs, &owner);
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    assert_true(jobs_drain(jobs, &owner, 10000));
    assert_int_equal(count(&task.dropped), 8000);
    jobs_free(jobs);
}

static void add_run(void *data)
{
    (void)sem_post(data);
}

static void a_facilitys_own_job_is_not_refused(void **state)
{
    struct jobs *jobs = make(1, 1);
    struct jobs_owner owner;
    struct task blocker, queued;
    struct job job;
    sem_t ran;

    (void)sem_init(&ran, 0, 0);
    job = (struct job){ .run = add_run, .data = &ran };
    jobs_owner_init(&owner);
    task_init(&blocker, true);
    task_init(&queued, false);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &blocker), 0);
    (void)sem_wait(&blocker.started);
    assert_int_equal(jobs_submit(jobs, &owner, run, drop, &queued), 0);
    jobs_add(jobs, &job);
    (void)sem_post(&blocker.go);
    (void)sem_wait(&ran);
    finish(jobs, &owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_once_and_is_dropped_once),
        cmocka_unit_test(a_full_queue_refuses_and_drops),
        cmocka_unit_test(an_owner_that_leaves_drops_what_waits_and_waits_for_what_runs),
        cmocka_unit_test(the_end_drops_what_never_ran),
        cmocka_unit_test(a_timer_keeps_its_step_beside_a_slower_one),
        cmocka_unit_test(a_late_timer_does_not_catch_up),
        cmocka_unit_test(timers_do_not_starve_behind_other_workers_jobs),
        cmocka_unit_test(a_timer_waits_for_one_job_and_not_for_all),
        cmocka_unit_test(a_timer_ends_with_its_owner_even_while_it_runs),
        cmocka_unit_test(every_job_of_a_storm_is_dropped_exactly_once),
        cmocka_unit_test(a_facilitys_own_job_is_not_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
