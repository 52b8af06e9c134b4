/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { EVENTS = 64, STACK = 128 * 1024 };

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t fired; /* an entry is no longer firing */
    struct list conns;    /* guarded by lock */
    struct list entries;  /* guarded by lock */
    struct list beats;    /* guarded by lock */
    uint64_t last_number; /* guarded by lock */
    bool all;             /* guarded by lock: whoever comes is fired at once */
    int epoll, wake;
    pthread_t thread;
};

static void close_late(struct watch *watch)
{
    int64_t now = clock_mono_ms();

    EIN_LOCKED(&watch->lock);
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

static void beat_all(struct watch *watch)
{
    int64_t now = clock_mono_ms();

    EIN_LOCKED(&watch->lock);
    list_each(it, &watch->beats)
    {
        struct watch_beat *beat = list_entry(it, struct watch_beat, link);

        beat->on_beat(beat, now);
    }
}

/* With the lock held, which is let go meanwhile. */
static void fire(struct watch *watch, struct watch_entry *entry)
{
    entry->firing++;
    (void)pthread_mutex_unlock(&watch->lock);
    cancel_fire(entry->cancel);
    (void)pthread_mutex_lock(&watch->lock);
    entry->firing--;
    (void)pthread_cond_broadcast(&watch->fired);
}

/* Looks the entry up by its number: the request may have ended since the event was queued. */
static void fire_number(struct watch *watch, uint64_t number)
{
    EIN_LOCKED(&watch->lock);
    list_each(it, &watch->entries)
    {
        struct watch_entry *entry = list_entry(it, struct watch_entry, link);

        if (entry->number == number) {
            fire(watch, entry);
            return;
        }
    }
}

static void *run(void *data)
{
    struct watch *watch = data;
    struct epoll_event events[EVENTS];
    int64_t next = clock_mono_ms() + WATCH_BEAT_MS;

    for (;;) {
        int64_t left = next - clock_mono_ms();
        int count = epoll_wait(watch->epoll, events, EVENTS, left > 0 ? (int)left : 0);

        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == 0)
                return NULL;
            fire_number(watch, events[i].data.u64);
        }
        if (clock_mono_ms() >= next) {
            close_late(watch);
            beat_all(watch);
            next = clock_mono_ms() + WATCH_BEAT_MS;
        }
    }
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
    struct epoll_event stop = { .events = EPOLLIN, .data.u64 = 0 };
    struct watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return error_no_memory(err);
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_cond_init(&watch->fired, NULL);
    list_init(&watch->conns);
    list_init(&watch->entries);
    list_init(&watch->beats);
    watch->epoll = epoll_create1(EPOLL_CLOEXEC);
    watch->wake = eventfd(0, EFD_CLOEXEC);
    if (watch->epoll < 0 || watch->wake < 0 ||
        epoll_ctl(watch->epoll, EPOLL_CTL_ADD, watch->wake, &stop) < 0 || start_thread(watch) < 0) {
        (void)cleanup_close(&watch->epoll);
        (void)cleanup_close(&watch->wake);
        free(watch);
        return error_set(err, EIN_E_UNAVAILABLE, "cannot watch connections: %s", strerror(errno));
    }
    *ret_watch = watch;
    return 0;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    (void)eventfd_write(watch->wake, 1);
    (void)pthread_join(watch->thread, NULL);
    (void)close(watch->epoll);
    (void)close(watch->wake);
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

/* All requests share the lock: the system is called without it. */

void watch_add(struct watch *watch, struct watch_entry *entry, int fd, struct ein_cancel *cancel)
{
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT };

    entry->cancel = cancel;
    entry->fd = fd;
    entry->firing = 0;
    {
        EIN_LOCKED(&watch->lock);
        entry->number = event.data.u64 = ++watch->last_number;
        list_append(&watch->entries, &entry->link);
        if (watch->all)
            fire(watch, entry);
    }
    if (fd >= 0 && epoll_ctl(watch->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        entry->fd = -1; /* noticed at the next write instead */
}

void watch_remove(struct watch *watch, struct watch_entry *entry)
{
    if (entry->fd >= 0)
        (void)epoll_ctl(watch->epoll, EPOLL_CTL_DEL, entry->fd, NULL);
    EIN_LOCKED(&watch->lock);
    while (entry->firing > 0)
        (void)pthread_cond_wait(&watch->fired, &watch->lock);
    list_remove(&entry->link);
}

void watch_fire_all(struct watch *watch)
{
    EIN_LOCKED(&watch->lock);
    watch->all = true;
    for (struct list *it = watch->entries.next; it != &watch->entries; it = it->next)
        fire(watch, list_entry(it, struct watch_entry, link));
}
