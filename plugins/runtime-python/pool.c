/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "selftest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
    ZYGOTES_MAX = 4, /* one serves, one starts, the others drain */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 30000,
    TICK_MS = 1000,
    HELLO_MS = 60000, /* to import everything, also on a slow machine */
    IDLE_AGE_MAX_MS = 10 * 60 * 1000
};

struct pool {
    const struct settings *settings;
    struct pool_listener listener;
    char *folder;
    pthread_t keeper;
    int wake; /* eventfd */

    /* the keeper's own */
    struct zygote_plan plan;
    bool planned;
    struct zygote *zygotes[ZYGOTES_MAX];
    int64_t next_start_ms;
    uint32_t backoff_ms;
    bool refused; /* the last fork was: wait a little */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    bool stopping, ready, failed;
    char reason[252];
    struct level level;
    struct child *idle_first, *idle_last;
    unsigned idle, busy, wanted;
    uint64_t generation, spawned;
};

static void wake_keeper(struct pool *pool)
{
    uint64_t one = 1;

    (void)!write(pool->wake, &one, sizeof(one));
}

static struct zygote *in_state(const struct pool *pool, enum zygote_state state)
{
    for (int i = 0; i < ZYGOTES_MAX; i++)
        if (pool->zygotes[i] && pool->zygotes[i]->state == state)
            return pool->zygotes[i];
    return NULL;
}

/* ---- idle children, under the lock ---- */

static void idle_push(struct pool *pool, struct child *child)
{
    child->next_idle = NULL;
    if (pool->idle_last)
        pool->idle_last->next_idle = child;
    else
        pool->idle_first = child;
    pool->idle_last = child;
    pool->idle++;
}

static struct child *idle_pop(struct pool *pool)
{
    struct child *child = pool->idle_first;

    if (!child)
        return NULL;
    pool->idle_first = child->next_idle;
    if (!pool->idle_first)
        pool->idle_last = NULL;
    pool->idle--;
    return child;
}

/* Takes out those that `unfit` names; they are killed and forgotten. */
static void idle_drop(struct pool *pool, bool (*unfit)(const struct child *, const void *),
                      const void *data)
{
    struct child *child = pool->idle_first;

    pool->idle_first = pool->idle_last = NULL;
    pool->idle = 0;
    while (child) {
        struct child *next = child->next_idle;
        if (unfit(child, data)) {
            child_kill(child);
            child->released = true;
        } else {
            idle_push(pool, child);
        }
        child = next;
    }
}

static bool of_zygote(const struct child *child, const void *zygote)
{
    return child->zygote == zygote;
}

static bool is_that(const struct child *child, const void *that)
{
    return child == that;
}

static bool too_old(const struct child *child, const void *now)
{
    return *(const int64_t *)now - child->born_ms > IDLE_AGE_MAX_MS;
}

/* ---- the keeper ---- */

static void note_exit(struct child *child, int status, uint32_t cpu_ms, void *data)
{
    struct pool *pool = data;
    EIN_LOCKED(&pool->lock);

    idle_drop(pool, is_that, child);
    child->exited = true;
    child->status = status;
    child->cpu_ms = cpu_ms;
    child->starved = WIFSIGNALED(status) && cgroup_ran_out(child->zygote->cgroup, child->group);
    pthread_cond_broadcast(&pool->changed);
}

static void warn(const char *text, void *data)
{
    struct pool *pool = data;

    pool->listener.warn(pool->listener.data, text);
}

/* Its children that still run are told that they have ended; it stays in memory until
 * their runs have let go of them. */
static void bury(struct pool *pool, struct zygote *zygote)
{
    zygote_kill(zygote);
    EIN_LOCKED(&pool->lock);
    idle_drop(pool, of_zygote, zygote);
    for (struct child *child = zygote->children; child; child = child->next) {
        if (!child->exited)
            child->status = -1;
        child->exited = true;
    }
    pthread_cond_broadcast(&pool->changed);
}

static void sweep(struct pool *pool)
{
    EIN_LOCKED(&pool->lock);

    for (int i = 0; i < ZYGOTES_MAX; i++) {
        struct zygote *zygote = pool->zygotes[i];
        struct child *next;
        if (!zygote)
            continue;
        for (struct child *child = zygote->children; child; child = next) {
            next = child->next;
            if (child->exited && child->released)
                child_free(child);
        }
        if (zygote->children)
            continue;
        if (zygote->state == ZYGOTE_DRAINING || zygote->state == ZYGOTE_DEAD) {
            zygote_free(zygote);
            pool->zygotes[i] = NULL;
        }
    }
}

static void set_unready(struct pool *pool, const char *reason)
{
    pool->listener.unready(pool->listener.data, reason);
    EIN_LOCKED(&pool->lock);
    pool->ready = false;
    pool->failed = true;
    snprintf(pool->reason, sizeof(pool->reason), "%s", reason);
    pthread_cond_broadcast(&pool->changed);
}

/* Waits longer after every failure. */
static void back_off(struct pool *pool)
{
    pool->next_start_ms = clock_mono_ms() + pool->backoff_ms;
    pool->backoff_ms =
        pool->backoff_ms * 2 < BACKOFF_MAX_MS ? pool->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static bool has_failed_so(struct pool *pool, const char *reason)
{
    EIN_LOCKED(&pool->lock);
    return pool->failed && strcmp(pool->reason, reason) == 0;
}

static void start_failed(struct pool *pool, struct zygote *zygote, const struct ein_error *err)
{
    bool serving = in_state(pool, ZYGOTE_SERVING);
    bool known = !serving && has_failed_so(pool, err->text); /* told, and tried again in vain */

    if (zygote) {
        if (!known)
            zygote_read_errors(zygote, warn, pool);
        bury(pool, zygote);
    }
    back_off(pool);
    if (serving)
        warn(err->text, pool);
    else if (!known)
        set_unready(pool, err->text);
}

static void start_zygote(struct pool *pool)
{
    struct ein_error err = { 0 };
    struct zygote *zygote = NULL;
    int slot = 0, r = 0;

    while (slot < ZYGOTES_MAX && pool->zygotes[slot])
        slot++;
    if (slot == ZYGOTES_MAX)
        return;
    if (!pool->planned) {
        r = zygote_plan_make(pool->settings, pool->folder, &pool->plan, &err);
        pool->planned = r == 0;
    }
    if (r == 0)
        r = zygote_start(&pool->plan, &zygote, &err);
    if (r < 0) {
        start_failed(pool, NULL, &err);
        return;
    }
    pool->zygotes[slot] = zygote;
}

static void retire(struct pool *pool, struct zygote *zygote)
{
    EIN_LOCKED(&pool->lock);

    zygote->state = ZYGOTE_DRAINING;
    idle_drop(pool, of_zygote, zygote);
}

/* The hello is there: configure, prove, and let it serve. */
static void admit(struct pool *pool, struct zygote *zygote)
{
    struct ein_error err = { 0 };
    struct zygote *before = in_state(pool, ZYGOTE_SERVING);
    int r = zygote_configure(zygote, pool->settings, &err);

    if (r == 0)
        r = selftest_run(zygote, pool->settings, pool->folder, note_exit, pool, &err);
    if (r < 0) {
        start_failed(pool, zygote, &err);
        return;
    }
    zygote->state = ZYGOTE_SERVING;
    pool->backoff_ms = BACKOFF_FIRST_MS;
    if (before)
        retire(pool, before);
    pool->listener.ready(pool->listener.data, &zygote->level);
    EIN_LOCKED(&pool->lock);
    pool->ready = true;
    pool->failed = false;
    pool->reason[0] = '\0';
    pool->level = zygote->level;
    pool->generation++;
    pthread_cond_broadcast(&pool->changed);
}

static void lost(struct pool *pool, struct zygote *zygote, const struct ein_error *err)
{
    bool serving = zygote->state == ZYGOTE_SERVING;
    bool starting = zygote->state == ZYGOTE_STARTING;

    if (starting) {
        start_failed(pool, zygote, err);
        return;
    }
    zygote_read_errors(zygote, warn, pool);
    bury(pool, zygote);
    if (!serving)
        return;
    back_off(pool);
    warn(err->text, pool);
    EIN_LOCKED(&pool->lock);
    pool->ready = false; /* not failed: who asks now waits for the next one */
}

static void listen_to(struct pool *pool, struct zygote *zygote)
{
    struct ein_error err = { 0 };

    if (zygote->state == ZYGOTE_STARTING)
        admit(pool, zygote);
    else if (zygote_read_exits(zygote, note_exit, pool, &err) < 0)
        lost(pool, zygote, &err);
}

static bool wants_child(struct pool *pool)
{
    EIN_LOCKED(&pool->lock);
    unsigned least = pool->settings->limits.pool_min, most = pool->settings->limits.pool_max;

    return pool->idle < least || (pool->idle < pool->wanted && pool->idle < most);
}

static void refill(struct pool *pool)
{
    struct zygote *zygote = in_state(pool, ZYGOTE_SERVING);
    struct ein_error err = { 0 };
    struct child *child;

    if (!zygote || !wants_child(pool))
        return;
    int r = zygote_spawn(zygote, pool->settings, note_exit, pool, &child, &err);
    if (r == EIN_E_BUSY) {
        if (!pool->refused) /* once, not each time that it is tried again */
            warn(err.text, pool);
        pool->refused = true;
        return;
    }
    pool->refused = false;
    if (r < 0) {
        lost(pool, zygote, &err);
        return;
    }
    EIN_LOCKED(&pool->lock);
    pool->spawned++;
    idle_push(pool, child);
    pthread_cond_broadcast(&pool->changed);
}

static bool is_worn(const struct pool *pool, const struct zygote *zygote)
{
    const struct limits *limits = &pool->settings->limits;

    return zygote->spawned >= limits->zygote_runs ||
           clock_mono_ms() - zygote->started_ms > (int64_t)limits->zygote_minutes * 60000;
}

static void give_up_waiting(struct pool *pool, struct zygote *zygote)
{
    struct ein_error err;

    (void)error_set(&err, EIN_E_UNAVAILABLE, "the sandbox did not start within %d s",
                    HELLO_MS / 1000);
    lost(pool, zygote, &err);
}

static void look_after(struct pool *pool)
{
    struct zygote *serving = in_state(pool, ZYGOTE_SERVING);
    struct zygote *starting = in_state(pool, ZYGOTE_STARTING);
    int64_t now = clock_mono_ms();

    {
        EIN_LOCKED(&pool->lock);
        idle_drop(pool, too_old, &now);
    }
    if (starting && now - starting->started_ms > HELLO_MS)
        give_up_waiting(pool, starting);
    sweep(pool);
    cgroup_sweep(pool->plan.cgroup);
    if (!in_state(pool, ZYGOTE_STARTING) && now >= pool->next_start_ms &&
        (!serving || is_worn(pool, serving)))
        start_zygote(pool);
    refill(pool);
}

static int until_next(struct pool *pool)
{
    int64_t left = pool->next_start_ms - clock_mono_ms();

    if (in_state(pool, ZYGOTE_SERVING))
        return !wants_child(pool) ? TICK_MS : pool->refused ? BACKOFF_FIRST_MS : 0;
    if (in_state(pool, ZYGOTE_STARTING))
        return TICK_MS;
    return left > 0 && left < TICK_MS ? (int)left + 1 : TICK_MS;
}

static void wait_and_listen(struct pool *pool)
{
    struct pollfd wait[1 + 2 * ZYGOTES_MAX] = { { pool->wake, POLLIN, 0 } };
    uint64_t count;

    for (int i = 0; i < ZYGOTES_MAX; i++) {
        struct zygote *zygote = pool->zygotes[i];
        bool alive = zygote && zygote->state != ZYGOTE_DEAD;
        wait[1 + 2 * i] = (struct pollfd){ alive ? zygote->control : -1, POLLIN, 0 };
        wait[2 + 2 * i] = (struct pollfd){ alive ? zygote->errors : -1, POLLIN, 0 };
    }
    if (poll(wait, 1 + 2 * ZYGOTES_MAX, until_next(pool)) <= 0)
        return;
    if (wait[0].revents)
        (void)!read(pool->wake, &count, sizeof(count));
    for (int i = 0; i < ZYGOTES_MAX; i++) {
        if (wait[2 + 2 * i].revents)
            zygote_read_errors(pool->zygotes[i], warn, pool);
        if (wait[1 + 2 * i].revents)
            listen_to(pool, pool->zygotes[i]);
    }
}

static bool is_stopping(struct pool *pool)
{
    EIN_LOCKED(&pool->lock);
    return pool->stopping;
}

static void *keep(void *data)
{
    struct pool *pool = data;

    prctl(PR_SET_NAME, "agent-pool", 0, 0, 0);
    while (!is_stopping(pool)) {
        look_after(pool);
        wait_and_listen(pool);
    }
    for (int i = 0; i < ZYGOTES_MAX; i++)
        if (pool->zygotes[i])
            bury(pool, pool->zygotes[i]);
    return NULL;
}

/* ---- what others call ---- */

int pool_start(const struct settings *settings, const char *folder,
               const struct pool_listener *listener, struct pool **ret_pool, struct ein_error *err)
{
    struct pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return error_no_memory(err);
    pool->settings = settings;
    pool->listener = *listener;
    pool->folder = strdup(folder);
    pool->backoff_ms = BACKOFF_FIRST_MS;
    pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    if (!pool->folder || pool->wake < 0 || pthread_create(&pool->keeper, NULL, keep, pool) != 0) {
        pool->keeper = 0;
        pool_free(pool);
        return error_set(err, EIN_E_INTERNAL, "the pool's thread could not be started");
    }
    *ret_pool = pool;
    return 0;
}

void pool_stop(struct pool *pool)
{
    if (!pool || !pool->keeper)
        return;
    {
        EIN_LOCKED(&pool->lock);
        pool->stopping = true;
        pthread_cond_broadcast(&pool->changed);
    }
    wake_keeper(pool);
    pthread_join(pool->keeper, NULL);
    pool->keeper = 0;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (int i = 0; i < ZYGOTES_MAX; i++)
        zygote_free(pool->zygotes[i]);
    zygote_plan_done(&pool->plan);
    if (pool->wake >= 0)
        close(pool->wake);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->folder);
    free(pool);
}

static bool wait_changed(struct pool *pool, int64_t until_ms)
{
    const struct timespec until = clock_deadline(until_ms - clock_mono_ms());

    return pthread_cond_clockwait(&pool->changed, &pool->lock, CLOCK_MONOTONIC, &until) !=
           ETIMEDOUT;
}

static struct child *wait_idle(struct pool *pool, int64_t until_ms)
{
    struct child *child = NULL;

    pool->wanted++;
    wake_keeper(pool);
    while (!pool->stopping && !pool->failed && !(child = idle_pop(pool)) &&
           wait_changed(pool, until_ms))
        ;
    pool->wanted--;
    return child;
}

static int why_none(const struct pool *pool, struct ein_error *err)
{
    if (pool->stopping)
        return error_set(err, EIN_E_UNAVAILABLE, "the agent runtime is stopping");
    if (pool->failed)
        return error_set(err, EIN_E_UNAVAILABLE, "agents are off: %s", pool->reason);
    return error_set(err, EIN_E_UNAVAILABLE, "the sandbox did not start in time");
}

int pool_take(struct pool *pool, int64_t until_ms, struct child **ret_child, struct ein_error *err)
{
    EIN_LOCKED(&pool->lock);

    unsigned taken = pool->busy + pool->wanted;
    if (taken >= pool->settings->limits.processes)
        return error_set(err, EIN_E_BUSY, "%u agent processes are running, no more may be started",
                         taken);
    struct child *child = idle_pop(pool);
    if (!child)
        child = wait_idle(pool, until_ms);
    if (!child)
        return why_none(pool, err);
    pool->busy++;
    /* While half of them are left, the next is forked after this run, not beneath it. */
    if (2 * pool->idle < pool->settings->limits.pool_min)
        wake_keeper(pool);
    *ret_child = child;
    return 0;
}

void pool_release(struct pool *pool, struct child *child)
{
    child_kill(child);
    {
        EIN_LOCKED(&pool->lock);
        child_close(child);
        child->released = true;
        pool->busy--;
    }
    wake_keeper(pool);
}

bool pool_wait_exit(struct pool *pool, struct child *child, int wait_ms, int *ret_status,
                    uint32_t *ret_cpu_ms, bool *ret_starved)
{
    EIN_LOCKED(&pool->lock);
    int64_t until_ms = clock_mono_ms() + wait_ms;

    while (!child->exited && wait_changed(pool, until_ms))
        ;
    *ret_status = child->status;
    *ret_cpu_ms = child->cpu_ms;
    *ret_starved = child->starved;
    return child->exited;
}

void pool_status(struct pool *pool, struct pool_status *ret_status)
{
    EIN_LOCKED(&pool->lock);

    *ret_status = (struct pool_status){ .ready = pool->ready,
                                        .level = pool->level,
                                        .idle = pool->idle,
                                        .busy = pool->busy,
                                        .generation = pool->generation,
                                        .spawned = pool->spawned };
    memcpy(ret_status->reason, pool->reason, sizeof(pool->reason));
}
