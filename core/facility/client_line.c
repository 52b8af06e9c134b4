/* SPDX-License-Identifier: Apache-2.0 */
#include "client_line.h"

#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "str.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { SHARED = CURL_LOCK_DATA_LAST };

struct lines {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    CURLSH *share; /* what name servers said, and sessions of TLS; NULL before the first line */
    pthread_mutex_t share_locks[SHARED];
    /* guarded by lock: */
    struct line_limits limits;
    uint64_t generation;
    struct list busy, idle; /* struct line.link; the idle ones oldest first */
    uint32_t busy_count, idle_count;
    bool ending; /* atomic */
};

/* ---- one line ---- */

static void line_free(struct line *line)
{
    /* The multi first: closing its connection needs a handle of its own only. */
    (void)curl_multi_cleanup(line->multi);
    curl_easy_cleanup(line->easy);
    curl_url_cleanup(line->parsed);
    free(line->url);
    free(line->host);
    free(line);
}

static void free_all(struct list *list)
{
    while (!list_empty(list)) {
        struct line *line = list_entry(list->next, struct line, link);

        list_remove(&line->link);
        line_free(line);
    }
}

static struct line *line_new(struct lines *lines, const struct client_url *url)
{
    struct line *line = calloc(1, sizeof(*line));

    if (!line)
        return NULL;
    list_init(&line->link);
    line->host = strdup(url->host);
    line->port = url->port;
    line->tls = url->tls;
    line->multi = curl_multi_init();
    line->easy = curl_easy_init();
    /* Without a descriptor to wake it by, it could not be cancelled. */
    if (!line->host || !line->multi || !line->easy || curl_multi_wakeup(line->multi) != CURLM_OK ||
        curl_easy_setopt(line->easy, CURLOPT_SHARE, lines->share) != CURLE_OK) {
        line_free(line);
        return NULL;
    }
    (void)curl_multi_setopt(line->multi, CURLMOPT_MAXCONNECTS, 1L);
    return line;
}

static bool leads_to(const struct line *line, const struct client_url *url, uint64_t generation)
{
    return line->generation == generation && line->port == url->port && line->tls == url->tls &&
           str_eq_case(line->host, url->host);
}

/* ---- what all lines share ---- */

static void lock_shared(CURL *easy, curl_lock_data what, curl_lock_access access, void *data)
{
    struct lines *lines = data;

    (void)easy;
    (void)access;
    (void)pthread_mutex_lock(&lines->share_locks[what]);
}

static void unlock_shared(CURL *easy, curl_lock_data what, void *data)
{
    struct lines *lines = data;

    (void)easy;
    (void)pthread_mutex_unlock(&lines->share_locks[what]);
}

/* The lock is held.  libcurl is started with the first line, as many a server never fetches. */
static int start(struct lines *lines)
{
    if (lines->share)
        return 0;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EIN_E_NO_MEMORY;
    lines->share = curl_share_init();
    if (!lines->share) {
        curl_global_cleanup();
        return EIN_E_NO_MEMORY;
    }
    (void)curl_share_setopt(lines->share, CURLSHOPT_LOCKFUNC, lock_shared);
    (void)curl_share_setopt(lines->share, CURLSHOPT_UNLOCKFUNC, unlock_shared);
    (void)curl_share_setopt(lines->share, CURLSHOPT_USERDATA, lines);
    (void)curl_share_setopt(lines->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    (void)curl_share_setopt(lines->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return 0;
}

int lines_new(struct lines **ret_lines, struct ein_error *err)
{
    struct lines *lines = calloc(1, sizeof(*lines));

    if (!lines)
        return error_no_memory(err);
    (void)pthread_mutex_init(&lines->lock, NULL);
    (void)pthread_cond_init(&lines->freed, NULL);
    for (size_t i = 0; i < SHARED; i++)
        (void)pthread_mutex_init(&lines->share_locks[i], NULL);
    list_init(&lines->busy);
    list_init(&lines->idle);
    *ret_lines = lines;
    return 0;
}

void lines_end(struct lines *lines)
{
    EIN_LOCKED(&lines->lock);

    __atomic_store_n(&lines->ending, true, __ATOMIC_RELEASE);
    (void)pthread_cond_broadcast(&lines->freed);
    list_each(it, &lines->busy)
    {
        (void)curl_multi_wakeup(list_entry(it, struct line, link)->multi);
    }
}

void lines_free(struct lines *lines)
{
    if (!lines)
        return;
    free_all(&lines->idle);
    if (lines->share) {
        (void)curl_share_cleanup(lines->share);
        curl_global_cleanup();
    }
    for (size_t i = 0; i < SHARED; i++)
        (void)pthread_mutex_destroy(&lines->share_locks[i]);
    (void)pthread_cond_destroy(&lines->freed);
    (void)pthread_mutex_destroy(&lines->lock);
    free(lines);
}

bool lines_ending(const struct lines *lines)
{
    return __atomic_load_n(&lines->ending, __ATOMIC_ACQUIRE);
}

/* ---- idle lines; the lock is held ---- */

/* What is dropped is freed by the caller, who does not hold the lock then: closing may send. */
static void drop_idle(struct lines *lines, struct line *line, struct list *dropped)
{
    list_remove(&line->link);
    list_append(dropped, &line->link);
    lines->idle_count--;
}

static struct line *oldest(const struct lines *lines)
{
    return list_empty(&lines->idle) ? NULL : list_entry(lines->idle.next, struct line, link);
}

static void drop_old(struct lines *lines, int64_t now_ms, struct list *dropped)
{
    int64_t since = now_ms - lines->limits.idle_ms;
    struct line *line;

    while ((line = oldest(lines)) &&
           (lines->idle_count > lines->limits.idle || line->idle_since_ms <= since ||
            line->generation != lines->generation))
        drop_idle(lines, line, dropped);
}

/* The newest: its server is the least likely to have closed it, and the others may grow old. */
static struct line *find_idle(const struct lines *lines, const struct client_url *url)
{
    for (struct list *it = lines->idle.prev; it != &lines->idle; it = it->prev) {
        struct line *line = list_entry(it, struct line, link);

        if (leads_to(line, url, lines->generation))
            return line;
    }
    return NULL;
}

/* More than the reply that was read, or the end: libcurl sees the end only, and would take the rest
 * for the reply to the next request. */
static bool is_spoilt(const struct line *line)
{
    char byte;

    return recv(line->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

void lines_configure(struct lines *lines, const struct line_limits *limits)
{
    struct list dropped;

    list_init(&dropped);
    {
        EIN_LOCKED(&lines->lock);
        lines->limits = *limits;
        lines->generation++;
        drop_old(lines, clock_mono_ms(), &dropped);
        (void)pthread_cond_broadcast(&lines->freed);
    }
    free_all(&dropped);
}

/* ---- taking and putting back ---- */

/* The lock is held. */
static int wait_for_room(struct lines *lines, const struct ein_cancel *cancel, int64_t until_ms,
                         struct ein_error *err)
{
    while (!lines_ending(lines)) {
        struct timespec until;
        int64_t left_ms;

        if (cancel && cancel_fired(cancel))
            return error_set(err, EIN_E_CANCELLED, "the fetch was cancelled");
        if (lines->busy_count < lines->limits.connections)
            return 0;
        left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0)
            return error_set(err, EIN_E_TIMEOUT,
                             "all of the %u connections that may be open (egress.connections) are "
                             "in use",
                             lines->limits.connections);
        until = clock_deadline((uint32_t)left_ms);
        (void)pthread_cond_clockwait(&lines->freed, &lines->lock, CLOCK_MONOTONIC, &until);
    }
    return error_set(err, EIN_E_CANCELLED, "the server is stopping");
}

/* The lock is held. */
static int take(struct lines *lines, const struct client_url *url, struct list *dropped,
                struct line **slot)
{
    struct line *line;

    drop_old(lines, clock_mono_ms(), dropped);
    while ((line = find_idle(lines, url)) && is_spoilt(line))
        drop_idle(lines, line, dropped);
    if (line) {
        list_remove(&line->link);
        lines->idle_count--;
    } else {
        if (lines->idle_count > 0 &&
            lines->busy_count + lines->idle_count >= lines->limits.connections)
            drop_idle(lines, oldest(lines), dropped);
        line = start(lines) == 0 ? line_new(lines, url) : NULL;
        if (!line)
            return EIN_E_NO_MEMORY;
    }
    line->generation = lines->generation;
    list_append(&lines->busy, &line->link);
    lines->busy_count++;
    *slot = line;
    return 0;
}

int lines_take(struct lines *lines, const struct client_url *url, const struct ein_cancel *cancel,
               int64_t until_ms, struct line **slot, struct ein_error *err)
{
    struct list dropped;
    int r;

    list_init(&dropped);
    {
        EIN_LOCKED(&lines->lock);
        r = wait_for_room(lines, cancel, until_ms, err);
        if (r == 0 && (r = take(lines, url, &dropped, slot)) < 0)
            (void)error_set(err, r, "out of memory or file descriptors");
    }
    free_all(&dropped);
    return r;
}

void lines_put(struct lines *lines, struct line **slot, bool keep)
{
    struct line *line = *slot;
    struct list dropped;

    if (!line)
        return;
    list_init(&dropped);
    {
        EIN_LOCKED(&lines->lock);
        *slot = NULL;
        list_remove(&line->link);
        lines->busy_count--;
        if (keep && line->generation == lines->generation && !lines_ending(lines)) {
            line->idle_since_ms = clock_mono_ms();
            list_append(&lines->idle, &line->link);
            lines->idle_count++;
            drop_old(lines, line->idle_since_ms, &dropped);
        } else {
            list_append(&dropped, &line->link);
        }
        if (lines->busy_count + 1 >= lines->limits.connections)
            (void)pthread_cond_broadcast(&lines->freed);
    }
    free_all(&dropped);
}

void lines_wake(struct lines *lines, struct line **slot)
{
    EIN_LOCKED(&lines->lock);

    if (*slot)
        (void)curl_multi_wakeup((*slot)->multi);
    else
        (void)pthread_cond_broadcast(&lines->freed);
}
