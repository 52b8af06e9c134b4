/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include <pthread.h>

struct timer {
    struct list link;    /* in the owner's list */
    struct list by_time; /* in jobs->timers, soonest first; in no list while it runs */
    struct job job;
    struct jobs *jobs;
    int64_t due_ms;
    uint32_t period_ms;
    void (*run)(void *data);
    void *data;
};

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t work;  /* something to do, or `ending` */
    pthread_cond_t ended; /* a job has ended */
    /* guarded by lock: */
    struct list queue;  /* struct job */
    struct list timers; /* struct timer.by_time */
    uint32_t queued, queue_max;
    uint32_t timer_count;
    bool ending;
    int64_t minded_ms; /* an idle worker wakes by then to look at the timers; INT64_MAX: none */
    uint32_t worker_count;
    pthread_t workers[];
};

/* ---- timers; the lock is held ---- */

static void timer_arm(struct jobs *jobs, struct timer *timer)
{
    struct list *at = jobs->timers.next;

    while (at != &jobs->timers && list_entry(at, struct timer, by_time)->due_ms <= timer->due_ms)
        at = at->next;
    list_append(at, &timer->by_time); /* before `at` */
}

/* The next multiple of the period that is still to come. */
static int64_t next_due(const struct timer *timer, int64_t now_ms)
{
    int64_t late = now_ms - timer->due_ms;

    return timer->due_ms + (late / timer->period_ms + 1) * timer->period_ms;
}

static void timer_run(void *data);

static bool is_timers(const struct list *link)
{
    return list_entry(link, struct job, link)->run == timer_run;
}

/* A timer goes before all jobs that wait but one, as there may be thousands of them; and that one
 * goes before it, or timers that are late all the time would leave jobs no worker. */
static struct list *place_of(struct jobs *jobs, const struct job *job)
{
    struct list *at = jobs->queue.next;

    if (job->run != timer_run)
        return &jobs->queue;
    if (at != &jobs->queue && !is_timers(at))
        at = at->next;
    while (at != &jobs->queue && is_timers(at))
        at = at->next;
    return at;
}

static void enqueue(struct jobs *jobs, struct job *job)
{
    list_append(place_of(jobs, job), &job->link); /* before it */
    if (!job->embedded)
        jobs->queued++;
    if (job->owner)
        job->owner->queued++;
    (void)pthread_cond_signal(&jobs->work);
}

static void timers_fire(struct jobs *jobs)
{
    int64_t now_ms = clock_mono_ms();

    while (!list_empty(&jobs->timers)) {
        struct timer *timer = list_entry(jobs->timers.next, struct timer, by_time);

        if (timer->due_ms > now_ms)
            return;
        list_remove(&timer->by_time);
        enqueue(jobs, &timer->job);
    }
}

static void timer_free(struct jobs *jobs, struct timer *timer)
{
    list_remove(&timer->link);
    list_remove(&timer->by_time);
    jobs->timer_count--;
    free(timer);
}

/* ---- workers ---- */

static bool timers_unminded(const struct jobs *jobs)
{
    return !list_empty(&jobs->timers) &&
           list_entry(jobs->timers.next, struct timer, by_time)->due_ms < jobs->minded_ms;
}

/* Waits for something to do; one of the idle workers wakes for the next timer. */
static void wait_for_work(struct jobs *jobs)
{
    struct timespec until;
    int64_t due_ms, left_ms;

    if (!timers_unminded(jobs)) {
        (void)pthread_cond_wait(&jobs->work, &jobs->lock);
        return;
    }
    due_ms = list_entry(jobs->timers.next, struct timer, by_time)->due_ms;
    left_ms = due_ms - clock_mono_ms();
    until = clock_deadline(left_ms > 0 ? left_ms : 0);
    jobs->minded_ms = due_ms;
    (void)pthread_cond_clockwait(&jobs->work, &jobs->lock, CLOCK_MONOTONIC, &until);
    jobs->minded_ms = INT64_MAX;
}

static struct job *take(struct jobs *jobs)
{
    struct job *job = list_entry(jobs->queue.next, struct job, link);

    list_remove(&job->link);
    if (!job->embedded)
        jobs->queued--;
    if (job->owner) {
        job->owner->queued--;
        job->owner->running++;
    }
    /* Somebody else must mind the timers while this worker is busy. */
    if (timers_unminded(jobs))
        (void)pthread_cond_signal(&jobs->work);
    return job;
}

static void drop_and_free(struct job *job, bool embedded)
{
    if (embedded)
        return;
    if (job->drop)
        job->drop(job->data);
    free(job);
}

static void run(struct jobs *jobs, struct job *job)
{
    /* An embedded job's storage may be gone, or be queued again, once run() was called. */
    struct jobs_owner *owner = job->owner;
    bool embedded = job->embedded;

    (void)pthread_mutex_unlock(&jobs->lock);
    job->run(job->data);
    drop_and_free(job, embedded);
    (void)pthread_mutex_lock(&jobs->lock);
    if (owner && --owner->running == 0)
        (void)pthread_cond_broadcast(&jobs->ended);
}

static void *work(void *data)
{
    struct jobs *jobs = data;
    EIN_LOCKED(&jobs->lock);

    while (!jobs->ending) {
        timers_fire(jobs);
        if (list_empty(&jobs->queue))
            wait_for_work(jobs);
        else
            run(jobs, take(jobs));
    }
    return NULL;
}

static int workers_start(struct jobs *jobs, uint32_t count)
{
    pthread_attr_t attr;
    int failed = 0;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, JOBS_STACK);
    while (jobs->worker_count < count && !failed) {
        failed = pthread_create(&jobs->workers[jobs->worker_count], &attr, work, jobs);
        if (!failed)
            (void)pthread_setname_np(jobs->workers[jobs->worker_count++], "ein-worker");
    }
    (void)pthread_attr_destroy(&attr);
    return failed ? -1 : 0;
}

int jobs_new(uint32_t workers, uint32_t queue_max, struct jobs **ret_jobs, struct ein_error *err)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs) + workers * sizeof(jobs->workers[0]));

    if (!jobs)
        return error_no_memory(err);
    (void)pthread_mutex_init(&jobs->lock, NULL);
    (void)pthread_cond_init(&jobs->work, NULL);
    (void)pthread_cond_init(&jobs->ended, NULL);
    list_init(&jobs->queue);
    list_init(&jobs->timers);
    jobs->queue_max = queue_max;
    jobs->minded_ms = INT64_MAX;
    if (workers_start(jobs, workers) < 0) {
        (void)error_set(err, EIN_E_UNAVAILABLE, "only %u of %u workers could be started",
                        jobs->worker_count, workers);
        jobs_free(jobs);
        return EIN_E_UNAVAILABLE;
    }
    *ret_jobs = jobs;
    return 0;
}

static void timer_run(void *data)
{
    struct timer *timer = data;
    struct jobs *jobs = timer->jobs;

    timer->run(timer->data);

    EIN_LOCKED(&jobs->lock);
    if (timer->job.owner->closed || jobs->ending) {
        timer_free(jobs, timer);
        return;
    }
    timer->due_ms = next_due(timer, clock_mono_ms());
    timer_arm(jobs, timer);
}

/* Moves the queued jobs of `owner` (NULL: all) to `taken`. */
static void take_queued(struct jobs *jobs, const struct jobs_owner *owner, struct list *taken)
{
    list_each(it, &jobs->queue)
    {
        struct job *job = list_entry(it, struct job, link);

        if (owner && job->owner != owner)
            continue;
        list_remove(it);
        if (!job->embedded)
            jobs->queued--;
        if (job->owner)
            job->owner->queued--;
        if (job->run == timer_run)
            timer_free(jobs, job->data);
        else if (!job->embedded)
            list_append(taken, it);
    }
}

static void drop_all(struct list *taken)
{
    list_each(it, taken)
    {
        list_remove(it);
        drop_and_free(list_entry(it, struct job, link), false);
    }
}

void jobs_free(struct jobs *jobs)
{
    struct list left;

    if (!jobs)
        return;
    list_init(&left);
    (void)pthread_mutex_lock(&jobs->lock);
    jobs->ending = true;
    (void)pthread_cond_broadcast(&jobs->work);
    (void)pthread_mutex_unlock(&jobs->lock);
    for (uint32_t i = 0; i < jobs->worker_count; i++)
        (void)pthread_join(jobs->workers[i], NULL);
    take_queued(jobs, NULL, &left);
    drop_all(&left);
    list_each(it, &jobs->timers) timer_free(jobs, list_entry(it, struct timer, by_time));
    (void)pthread_cond_destroy(&jobs->work);
    (void)pthread_cond_destroy(&jobs->ended);
    (void)pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

/* ---- owners ---- */

void jobs_owner_init(struct jobs_owner *owner)
{
    *owner = (struct jobs_owner){ .closed = false };
    list_init(&owner->timers);
}

static int submit(struct jobs *jobs, struct job *job)
{
    EIN_LOCKED(&jobs->lock);

    if (jobs->ending || (job->owner && job->owner->closed))
        return EIN_E_UNAVAILABLE;
    if (jobs->queued >= jobs->queue_max)
        return EIN_E_BUSY;
    enqueue(jobs, job);
    return 0;
}

int jobs_submit(struct jobs *jobs, struct jobs_owner *owner, void (*run_job)(void *data),
                void (*drop)(void *data), void *data)
{
    struct job *job = run_job ? calloc(1, sizeof(*job)) : NULL;
    int r;

    if (!job) {
        if (drop)
            drop(data);
        return run_job ? EIN_E_NO_MEMORY : EIN_E_INVALID;
    }
    *job = (struct job){ .owner = owner, .run = run_job, .drop = drop, .data = data };
    r = submit(jobs, job);
    if (r < 0)
        drop_and_free(job, false);
    return r;
}

void jobs_add(struct jobs *jobs, struct job *job)
{
    EIN_LOCKED(&jobs->lock);

    job->embedded = true;
    enqueue(jobs, job);
}

int jobs_every(struct jobs *jobs, struct jobs_owner *owner, uint32_t period_ms,
               void (*run_timer)(void *data), void *data)
{
    struct timer *timer = run_timer ? calloc(1, sizeof(*timer)) : NULL;

    if (!timer)
        return run_timer ? EIN_E_NO_MEMORY : EIN_E_INVALID;
    *timer = (struct timer){
        .jobs = jobs,
        .period_ms = period_ms < JOBS_PERIOD_MIN_MS ? JOBS_PERIOD_MIN_MS : period_ms,
        .run = run_timer,
        .data = data,
        .job = { .owner = owner, .run = timer_run, .data = timer, .embedded = true },
    };
    timer->due_ms = clock_mono_ms() + timer->period_ms;
    list_init(&timer->by_time);

    EIN_LOCKED(&jobs->lock);
    if (owner->closed || jobs->ending || jobs->timer_count >= JOBS_TIMERS_MAX) {
        free(timer);
        return owner->closed || jobs->ending ? EIN_E_UNAVAILABLE : EIN_E_BUSY;
    }
    list_append(&owner->timers, &timer->link);
    jobs->timer_count++;
    timer_arm(jobs, timer);
    if (timers_unminded(jobs))
        (void)pthread_cond_signal(&jobs->work);
    return 0;
}

/* Ends the timers that wait; one that is running ends itself in timer_run(). */
static void timers_end(struct jobs *jobs, struct jobs_owner *owner)
{
    list_each(it, &owner->timers)
    {
        struct timer *timer = list_entry(it, struct timer, link);

        if (!list_empty(&timer->by_time))
            timer_free(jobs, timer);
    }
}

void jobs_withdraw(struct jobs *jobs, struct jobs_owner *owner)
{
    struct list dropped;

    list_init(&dropped);
    (void)pthread_mutex_lock(&jobs->lock);
    owner->closed = true;
    take_queued(jobs, owner, &dropped);
    timers_end(jobs, owner);
    (void)pthread_mutex_unlock(&jobs->lock);
    drop_all(&dropped);
}

bool jobs_drain(struct jobs *jobs, struct jobs_owner *owner, uint32_t timeout_ms)
{
    struct timespec until = clock_deadline(timeout_ms);
    EIN_LOCKED(&jobs->lock);

    while (owner->queued + owner->running > 0) {
        if (pthread_cond_clockwait(&jobs->ended, &jobs->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
            return owner->queued + owner->running == 0;
    }
    return true;
}

uint32_t jobs_running(struct jobs *jobs, const struct jobs_owner *owner)
{
    EIN_LOCKED(&jobs->lock);

    return owner->running;
}
