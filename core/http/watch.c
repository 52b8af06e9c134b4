/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include <poll.h>
#include <sys/socket.h>

enum { STACK = 128 * 1024 };

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t fired; /* an entry is no longer firing */
    pthread_cond_t ended; /* the thread is to end */
    struct list conns;    /* guarded by lock, as is all below */
    struct list entries;
    struct list beats;
    bool all; /* whoever comes is fired at once */
    bool ending;
    pthread_t thread;
};

/* ---- the thread, which holds the lock ---- */

static void close_late(struct watch *watch, int64_t now)
{
    list_each(it, &watch->conns)
    {
        struct watch_conn *conn = list_entry(it, struct watch_conn, link);
        int64_t until = __atomic_load_n(&conn->until_ms, __ATOMIC_RELAXED);

        if (until != 0 && now >= until) {
            __atomic_store_n(&conn->until_ms, 0, __ATOMIC_RELAXED);
            (void)shutdown(conn->fd, SHUT_RDWR);
        }
    }
}

static void beat_all(struct watch *watch, int64_t now)
{
    list_each(it, &watch->beats)
    {
        struct watch_beat *beat = list_entry(it, struct watch_beat, link);

        beat->on_beat(beat, now);
    }
}

/* The lock is let go meanwhile. */
static void fire(struct watch *watch, struct watch_entry *entry)
{
    entry->firing++;
    (void)pthread_mutex_unlock(&watch->lock);
    cancel_fire(entry->cancel);
    (void)pthread_mutex_lock(&watch->lock);
    entry->firing--;
    (void)pthread_cond_broadcast(&watch->fired);
}

static bool has_left(int fd)
{
    struct pollfd at = { .fd = fd, .events = POLLRDHUP };

    return fd >= 0 && poll(&at, 1, 0) > 0;
}

/* Most requests are over before anybody asks. */
static void fire_left(struct watch *watch)
{
    for (struct list *it = watch->entries.next; it != &watch->entries; it = it->next) {
        struct watch_entry *entry = list_entry(it, struct watch_entry, link);

        if (has_left(entry->fd)) {
            entry->fd = -1; /* once is enough */
            fire(watch, entry);
        }
    }
}

static void *run(void *data)
{
    struct watch *watch = data;
    EIN_LOCKED(&watch->lock);

    while (!watch->ending) {
        const struct timespec next = clock_deadline(WATCH_BEAT_MS);
        int64_t now;

        while (!watch->ending &&
               pthread_cond_clockwait(&watch->ended, &watch->lock, CLOCK_MONOTONIC, &next) == 0)
            ;
        now = clock_mono_ms();
        close_late(watch, now);
        beat_all(watch, now);
        fire_left(watch);
    }
    return NULL;
}

static int start_thread(struct watch *watch)
{
    pthread_attr_t attr;
    int r;

    if (pthread_attr_init(&attr) != 0)
        return EIN_E_NO_MEMORY;
    (void)pthread_attr_setstacksize(&attr, STACK);
    r = pthread_create(&watch->thread, &attr, run, watch);
    (void)pthread_attr_destroy(&attr);
    return r == 0 ? 0 : EIN_E_UNAVAILABLE;
}

int watch_new(struct watch **ret_watch, struct ein_error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    int r;

    if (!watch)
        return error_no_memory(err);
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_cond_init(&watch->fired, NULL);
    (void)pthread_cond_init(&watch->ended, NULL);
    list_init(&watch->conns);
    list_init(&watch->entries);
    list_init(&watch->beats);
    r = start_thread(watch);
    if (r < 0) {
        free(watch);
        return error_set(err, r, "cannot watch connections: no thread can be started");
    }
    *ret_watch = watch;
    return 0;
}

static void end_thread(struct watch *watch)
{
    {
        EIN_LOCKED(&watch->lock);
        watch->ending = true;
        (void)pthread_cond_signal(&watch->ended);
    }
    (void)pthread_join(watch->thread, NULL);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    end_thread(watch);
    (void)pthread_cond_destroy(&watch->ended);
    (void)pthread_cond_destroy(&watch->fired);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}

/* ---- connections ---- */

void watch_conn_add(struct watch *watch, struct watch_conn *conn)
{
    EIN_LOCKED(&watch->lock);
    list_append(&watch->conns, &conn->link);
}

void watch_conn_remove(struct watch *watch, struct watch_conn *conn)
{
    EIN_LOCKED(&watch->lock);
    list_remove(&conn->link);
}

void watch_conn_until(struct watch_conn *conn, int64_t until_ms)
{
    __atomic_store_n(&conn->until_ms, until_ms, __ATOMIC_RELAXED);
}

/* ---- streams ---- */

void watch_beat_add(struct watch *watch, struct watch_beat *beat)
{
    EIN_LOCKED(&watch->lock);
    list_append(&watch->beats, &beat->link);
}

void watch_beat_remove(struct watch *watch, struct watch_beat *beat)
{
    EIN_LOCKED(&watch->lock);
    list_remove(&beat->link);
}

/* ---- requests ---- */

void watch_add(struct watch *watch, struct watch_entry *entry, int fd, struct ein_cancel *cancel,
               json_t *claims)
{
    EIN_LOCKED(&watch->lock);

    entry->cancel = cancel;
    entry->fd = fd;
    entry->firing = 0;
    entry->claims = claims;
    entry->asked_ms = clock_mono_ms();
    list_append(&watch->entries, &entry->link);
    if (watch->all)
        fire(watch, entry);
}

void watch_remove(struct watch *watch, struct watch_entry *entry)
{
    EIN_LOCKED(&watch->lock);

    while (entry->firing > 0)
        (void)pthread_cond_wait(&watch->fired, &watch->lock);
    list_remove(&entry->link);
}

void watch_claims(struct watch *watch, int64_t due_ms, json_t *all, json_t *due)
{
    EIN_LOCKED(&watch->lock);

    list_each(it, &watch->entries)
    {
        struct watch_entry *entry = list_entry(it, struct watch_entry, link);

        if (!entry->claims)
            continue;
        (void)json_array_append(all, entry->claims);
        if (entry->asked_ms > due_ms)
            continue;
        (void)json_array_append(due, entry->claims);
        entry->asked_ms = clock_mono_ms();
    }
}

bool watch_fire_claims(struct watch *watch, const json_t *claims)
{
    bool any = false;
    EIN_LOCKED(&watch->lock);

    for (struct list *it = watch->entries.next; it != &watch->entries; it = it->next) {
        struct watch_entry *entry = list_entry(it, struct watch_entry, link);

        if (entry->claims == claims) {
            any |= !cancel_fired(entry->cancel);
            fire(watch, entry);
        }
    }
    return any;
}

void watch_fire_all(struct watch *watch)
{
    EIN_LOCKED(&watch->lock);
    watch->all = true;
    for (struct list *it = watch->entries.next; it != &watch->entries; it = it->next)
        fire(watch, list_entry(it, struct watch_entry, link));
}
