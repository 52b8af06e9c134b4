/* SPDX-License-Identifier: Apache-2.0 */
#include "workers.h"

#include "chat.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "run.h"
#include <string.h>

enum { STACK_BYTES = 1024 * 1024 /* of a worker: providers and the JSON of answers */ };

static void *work(void *data);

void workers_init(struct workers *workers)
{
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->woken, NULL);
    (void)pthread_cond_init(&workers->lead, NULL);
    (void)pthread_cond_init(&workers->ended, NULL);
    (void)pthread_cond_init(&workers->beat, NULL);
}

void workers_done(struct workers *workers)
{
    (void)pthread_cond_destroy(&workers->beat);
    (void)pthread_cond_destroy(&workers->ended);
    (void)pthread_cond_destroy(&workers->lead);
    (void)pthread_cond_destroy(&workers->woken);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
}

/* With the lock held. */
static void wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms)
{
    const struct timespec until = clock_deadline(ms);

    (void)pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &until);
}

static int spawn(pthread_t *ret_thread, void *(*run)(void *data), struct chat *chat)
{
    pthread_attr_t attr;
    int r;

    if (pthread_attr_init(&attr) != 0)
        return EIN_E_NO_MEMORY;
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    r = pthread_create(ret_thread, &attr, run, chat);
    (void)pthread_attr_destroy(&attr);
    return r == 0 ? 0 : EIN_E_NO_MEMORY;
}

/* ---- the list of what is worked on; all with the lock held ---- */

static void add_run(struct workers *workers, struct run *run)
{
    run->refs = 1;
    run->next = workers->runs;
    run->link = &workers->runs;
    if (run->next)
        run->next->link = &run->next;
    workers->runs = run;
    workers->run_count++;
}

static void remove_run(struct workers *workers, struct run *run)
{
    *run->link = run->next;
    if (run->next)
        run->next->link = run->link;
    workers->run_count--;
    (void)pthread_cond_broadcast(&workers->ended);
}

/* It is freed after its last use, which may be the keeper's. */
static void let_go(struct chat *chat, struct run *run)
{
    if (--run->refs > 0)
        return;
    (void)pthread_mutex_unlock(&chat->workers.lock);
    run_free(chat, run);
    (void)pthread_mutex_lock(&chat->workers.lock);
}

/* ---- workers ---- */

/* Somebody else leads from now on: one who waits for it, or one more. */
static void hand_on_lead(struct chat *chat)
{
    struct workers *workers = &chat->workers;

    workers->leading = false;
    if (workers->idle > 0)
        (void)pthread_cond_signal(&workers->lead);
    else if (workers->count < chat->workers_max && !workers->stopping &&
             spawn(&workers->threads[workers->count], work, chat) == 0)
        workers->count++;
}

static void say_failing(struct chat *chat, int r, const struct ein_error *err)
{
    struct workers *workers = &chat->workers;

    if (r < 0 && !workers->failing)
        chat->host->log_msg(chat->ctx, EIN_ERROR, "Tickets cannot be claimed: %s", err->text);
    workers->failing = r < 0;
}

/* With the lock held, and given up meanwhile. */
static void perform(struct chat *chat, struct run *run)
{
    struct workers *workers = &chat->workers;

    add_run(workers, run);
    if (workers->stopping)
        run_stop(chat, run, RUN_HAND_BACK);
    (void)pthread_mutex_unlock(&workers->lock);
    run_perform(chat, run);
    (void)pthread_mutex_lock(&workers->lock);
    remove_run(workers, run);
    let_go(chat, run);
}

/* Likewise.  TICKET was claimed. */
static void begin(struct chat *chat, json_t *ticket)
{
    struct workers *workers = &chat->workers;
    struct run *run = NULL;
    struct ein_error err;

    (void)pthread_mutex_unlock(&workers->lock);
    int r = run_begin(chat, ticket, &run, &err);
    (void)pthread_mutex_lock(&workers->lock);
    if (r > 0)
        perform(chat, run);
    else if (r < 0)
        chat->host->log_msg(chat->ctx, EIN_ERROR, "Ticket %s waits for its lease to end: %s",
                            json_string_value(json_object_get(ticket, "_id")), err.text);
}

/* Likewise: claims one ticket and works on it, or waits. */
static void lead(struct chat *chat)
{
    struct workers *workers = &chat->workers;
    uint64_t wakes = workers->wakes;
    EIN_JSON json_t *ticket = NULL;
    struct ein_error err;

    (void)pthread_mutex_unlock(&workers->lock);
    int r = run_claim(chat, &ticket, &err);
    (void)pthread_mutex_lock(&workers->lock);

    say_failing(chat, r, &err);
    if (r > 0) {
        hand_on_lead(chat);
        begin(chat, ticket);
        return;
    }
    if (wakes == workers->wakes && !workers->stopping)
        wait_ms(&workers->woken, &workers->lock, chat->poll_ms);
    workers->leading = false;
}

static void *work(void *data)
{
    struct chat *chat = data;
    struct workers *workers = &chat->workers;

    EIN_LOCKED(&workers->lock);
    while (!workers->stopping) {
        if (workers->leading) {
            workers->idle++;
            (void)pthread_cond_wait(&workers->lead, &workers->lock);
            workers->idle--;
            continue;
        }
        workers->leading = true;
        lead(chat);
    }
    return NULL;
}

void workers_wake(struct chat *chat)
{
    EIN_LOCKED(&chat->workers.lock);
    chat->workers.wakes++;
    (void)pthread_cond_signal(&chat->workers.woken);
}

/* ---- the keeper ---- */

/* The runs that there are, each with a reference; free().  NULL: none, or no memory. */
static struct run **borrow_runs(struct workers *workers, size_t *ret_count)
{
    struct run **runs =
        workers->run_count ? calloc(workers->run_count, sizeof(struct run *)) : NULL;

    *ret_count = 0;
    for (struct run *run = workers->runs; runs && run; run = run->next) {
        run->refs++;
        runs[(*ret_count)++] = run;
    }
    return runs;
}

static void give_back_runs(struct chat *chat, struct run **runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        let_go(chat, runs[i]);
    free(runs);
}

static void *keep(void *data)
{
    struct chat *chat = data;
    struct workers *workers = &chat->workers;

    EIN_LOCKED(&workers->lock);
    while (!workers->keeper_stops) {
        size_t count;
        struct run **runs;

        wait_ms(&workers->beat, &workers->lock, chat->poll_ms);
        runs = borrow_runs(workers, &count);
        (void)pthread_mutex_unlock(&workers->lock);
        for (size_t i = 0; i < count; i++)
            run_keep(chat, runs[i]);
        (void)pthread_mutex_lock(&workers->lock);
        give_back_runs(chat, runs, count);
    }
    return NULL;
}

/* ---- all of them ---- */

/* ID NULL: all of them. */
static void stop_runs(struct chat *chat, const char *id, enum run_stop why)
{
    struct workers *workers = &chat->workers;

    EIN_LOCKED(&workers->lock);
    for (struct run *run = workers->runs; run; run = run->next)
        if (!id || strcmp(run->id, id) == 0)
            run_stop(chat, run, why);
}

void workers_cancel(struct chat *chat, const char *id)
{
    stop_runs(chat, id, RUN_TAKEN);
}

static int start_threads(struct chat *chat)
{
    struct workers *workers = &chat->workers;

    EIN_LOCKED(&workers->lock);
    free(workers->threads);
    workers->threads = calloc(chat->workers_max, sizeof(*workers->threads));
    workers->stopping = workers->keeper_stops = false;
    if (!workers->threads)
        return EIN_E_NO_MEMORY;
    workers->keeping = spawn(&workers->keeper, keep, chat) == 0;
    if (!workers->keeping || spawn(&workers->threads[0], work, chat) < 0)
        return EIN_E_NO_MEMORY;
    workers->count = 1;
    return 0;
}

int workers_start(struct chat *chat, struct ein_error *err)
{
    if (start_threads(chat) == 0)
        return 0;
    workers_stop(chat);
    return error_set(err, EIN_E_NO_MEMORY, "The threads that answer chats cannot be started.");
}

/* True: all have ended in time. */
static bool wait_for_runs(struct chat *chat)
{
    struct workers *workers = &chat->workers;
    const struct timespec until = clock_deadline(chat->drain_ms);
    int r = 0;

    EIN_LOCKED(&workers->lock);
    workers->stopping = true;
    (void)pthread_cond_broadcast(&workers->woken);
    (void)pthread_cond_broadcast(&workers->lead);
    while (workers->run_count > 0 && r == 0)
        r = pthread_cond_clockwait(&workers->ended, &workers->lock, CLOCK_MONOTONIC, &until);
    return workers->run_count == 0;
}

void workers_stop(void *self)
{
    struct chat *chat = self;
    struct workers *workers = &chat->workers;

    if (!wait_for_runs(chat))
        stop_runs(chat, NULL, RUN_HAND_BACK);
    for (unsigned i = 0; i < workers->count; i++) /* no more are made */
        (void)pthread_join(workers->threads[i], NULL);
    workers->count = 0;
    if (!workers->keeping)
        return;
    {
        EIN_LOCKED(&workers->lock);
        workers->keeper_stops = true;
        (void)pthread_cond_signal(&workers->beat);
    }
    (void)pthread_join(workers->keeper, NULL);
    workers->keeping = false;
}
