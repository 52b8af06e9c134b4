/* SPDX-License-Identifier: Apache-2.0 */
#include "client_transfer.h"

#include "buf.h"
#include "cancel.h"
#include "cleanup.h"
#include "client.h"
#include "client_head.h"
#include "client_io.h"
#include "client_setup.h"
#include "clock.h"
#include "egress.h"
#include "error.h"
#include <curl/curl.h>
#include <string.h>

enum { ENDED = 1, ENOUGH = 2 };

/* ---- what libcurl calls on its thread ---- */

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct running *running = data;
    size_t len = size * count;
    long status = 0;
    EIN_LOCKED(&running->lock);

    running->active_ms = clock_mono_ms();
    if (running->head_done)
        return len; /* a trailer */
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        buf_clear(&running->head);
        return len;
    }
    if (len > 2 || (len > 0 && line[0] != '\r' && line[0] != '\n')) {
        if (buf_add(&running->head, line, len) == 0)
            return len;
        running->fault = running->head.error;
        return 0;
    }
    (void)curl_easy_getinfo(running->task.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) {
        running->status = (int)status;
        running->head_done = true;
        (void)pthread_cond_signal(&running->changed);
    }
    return len;
}

static size_t on_write(char *piece, size_t size, size_t count, void *data)
{
    struct running *running = data;
    size_t len = size * count;
    EIN_LOCKED(&running->lock);

    running->active_ms = clock_mono_ms();
    if (running->queue.len > 0 && running->queue.len + len > CLIENT_QUEUE_MAX) {
        (void)__atomic_or_fetch(&running->task.paused, CURLPAUSE_RECV, __ATOMIC_RELEASE);
        return CURL_WRITEFUNC_PAUSE;
    }
    running->received += len;
    if (running->received > running->what->max_bytes)
        running->fault = EIN_E_TOO_LARGE;
    else
        running->fault = buf_add(&running->queue, piece, len);
    (void)pthread_cond_signal(&running->changed);
    return running->fault ? 0 : len;
}

static size_t on_read(char *piece, size_t size, size_t count, void *data)
{
    struct running *running = data;
    size_t len = size * count;
    EIN_LOCKED(&running->lock);

    running->active_ms = clock_mono_ms();
    if (running->send_at == running->send_len) {
        if (running->send_end)
            return 0;
        running->send_wanted = true;
        (void)__atomic_or_fetch(&running->task.paused, CURLPAUSE_SEND, __ATOMIC_RELEASE);
        (void)pthread_cond_signal(&running->changed);
        return CURL_READFUNC_PAUSE;
    }
    if (len > running->send_len - running->send_at)
        len = running->send_len - running->send_at;
    memcpy(piece, running->send + running->send_at, len);
    running->send_at += len;
    return len;
}

/* The address that is about to be connected to, whatever the name server said before. */
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct running *running = data;

    (void)purpose;
    if (!client_setup_address_ok(running, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A connection is there, new or from the pool: one that an operator's fetch opened is not for
 * everybody. */
static int on_connected(void *data, char *ip, char *local_ip, int port, int local_port)
{
    struct running *running = data;

    (void)local_ip;
    (void)local_port;
    if (!client_setup_ip_ok(running, ip, (uint16_t)port))
        return CURL_PREREQFUNC_ABORT;
    EIN_LOCKED(&running->lock);
    running->connected = true;
    running->active_ms = clock_mono_ms();
    (void)pthread_cond_signal(&running->changed); /* another limit counts from now on */
    return CURL_PREREQFUNC_OK;
}

static void on_ended(struct client_task *task, int code)
{
    struct running *running = list_entry(task, struct running, task);
    EIN_LOCKED(&running->lock);

    running->ended = true;
    running->code = code;
    (void)pthread_cond_signal(&running->changed);
}

/* ---- the caller's thread ---- */

static void on_cancel(void *data)
{
    struct running *running = data;
    EIN_LOCKED(&running->lock);

    running->cancelled = true;
    (void)pthread_cond_signal(&running->changed);
}

/* The limit that is reached next if nothing happens. */
struct limit {
    int64_t at_ms;
    uint32_t ms; /* 0: that of the whole fetch */
    const char *text;
};

static struct limit next_limit(const struct running *running)
{
    const struct transfer *what = running->what;
    struct limit limit;

    if (!running->connected)
        limit = (struct limit){ running->began_ms, what->connect_ms, "no connection" };
    else if (!running->head_done)
        limit = (struct limit){ running->active_ms, what->first_byte_ms, "no answer" };
    else
        limit = (struct limit){ running->active_ms, what->idle_ms, "nothing more came" };
    limit.at_ms += limit.ms;
    if (what->until_ms < limit.at_ms)
        limit = (struct limit){ what->until_ms, 0, NULL };
    return limit;
}

static int say_late(const struct running *running, const struct limit *limit, struct ein_error *err)
{
    const char *host = running->what->url->host;

    if (limit->ms == 0)
        return error_set(err, EIN_E_TIMEOUT, "%s: the time for the whole fetch is up", host);
    return error_set(err, EIN_E_TIMEOUT, "%s: %s within %u ms", host, limit->text, limit->ms);
}

static bool has_news(const struct running *running)
{
    return running->cancelled || running->fault || running->ended ||
           (running->head_done && !running->head_given) || running->queue.len > 0 ||
           running->send_wanted;
}

/* The lock is held.  0, or TIMEOUT. */
static int wait_for_news(struct running *running, struct ein_error *err)
{
    while (!has_news(running)) {
        struct limit limit = next_limit(running);
        int64_t left_ms = limit.at_ms - clock_mono_ms();
        struct timespec until;

        if (left_ms <= 0)
            return say_late(running, &limit, err);
        until = clock_deadline((uint32_t)left_ms);
        (void)pthread_cond_clockwait(&running->changed, &running->lock, CLOCK_MONOTONIC, &until);
    }
    return 0;
}

/* The callbacks of the caller take as long as they like: the other side is not to blame. */
static void lock_again(struct running *running)
{
    (void)pthread_mutex_lock(&running->lock);
    running->active_ms = clock_mono_ms();
}

static void resume(struct client_io *io, struct running *running, uint32_t bit)
{
    if (__atomic_fetch_and(&running->task.paused, ~bit, __ATOMIC_ACQ_REL) & bit)
        client_io_resume(io, &running->task);
}

/* Each of the three is called with the lock held, and holds it when it returns. */

static int give_head(struct running *running, struct ein_error *err)
{
    EIN_JSON json_t *headers = NULL;
    int r = EIN_E_NO_MEMORY;

    running->head_given = true;
    (void)pthread_mutex_unlock(&running->lock);
    /* Nobody adds to a head that is done. */
    headers = client_head_json(running->head.data ? running->head.data : "", running->head.len);
    if (headers)
        r = running->what->on_head(running->what->data, running->status, headers, err);
    else
        (void)error_set(err, r, "no memory for the headers");
    lock_again(running);
    return r > 0 ? ENOUGH : r;
}

static int give_data(struct client_io *io, struct running *running, struct ein_error *err)
{
    struct buf piece = running->queue;
    int r;

    running->queue = running->spare;
    (void)pthread_mutex_unlock(&running->lock);
    resume(io, running, CURLPAUSE_RECV);
    r = running->what->on_data(running->what->data, piece.data, piece.len, err);
    buf_clear(&piece);
    lock_again(running);
    running->spare = piece;
    return r > 0 ? ENOUGH : r;
}

static int take_piece(struct client_io *io, struct running *running, struct ein_error *err)
{
    const struct transfer *what = running->what;
    int64_t len;

    running->send_wanted = false;
    (void)pthread_mutex_unlock(&running->lock);
    /* The thread does not look at the piece before it is resumed. */
    len = what->on_send(what->send_data, running->send, CLIENT_SEND_PIECE);
    lock_again(running);
    if (len < 0 || len > CLIENT_SEND_PIECE)
        return error_set(err, EIN_E_CANCELLED, "stopped by the sender of the body");
    running->send_at = 0;
    running->send_len = (size_t)len;
    running->send_end = len == 0;
    (void)pthread_mutex_unlock(&running->lock);
    resume(io, running, CURLPAUSE_SEND);
    (void)pthread_mutex_lock(&running->lock);
    return 0;
}

static int step(struct client_io *io, struct running *running, struct ein_error *err)
{
    if (running->cancelled)
        return error_set(err, EIN_E_CANCELLED, "the fetch was cancelled");
    if (running->head_done && !running->head_given)
        return give_head(running, err);
    if (running->queue.len > 0)
        return give_data(io, running, err);
    if (running->fault || running->ended)
        return ENDED;
    return take_piece(io, running, err);
}

/* ENDED, ENOUGH, or an error that is not the transfer's own. */
static int converse(struct client_io *io, struct running *running, struct ein_error *err)
{
    int r = 0;
    EIN_LOCKED(&running->lock);

    while (r == 0) {
        r = wait_for_news(running, err);
        if (r == 0)
            r = step(io, running, err);
    }
    return r;
}

/* Afterwards the thread does not know the transfer any more. */
static void leave(struct client_io *io, struct running *running)
{
    client_io_abort(io, &running->task);

    EIN_LOCKED(&running->lock);
    while (!running->ended)
        (void)pthread_cond_wait(&running->changed, &running->lock);
}

static void running_init(struct running *running, const struct transfer *what)
{
    *running = (struct running){ .what = what, .task = { .ended = on_ended } };
    running->began_ms = running->active_ms = clock_mono_ms();
    (void)pthread_mutex_init(&running->lock, NULL);
    (void)pthread_cond_init(&running->changed, NULL);
    buf_init(&running->head, CLIENT_HEADERS_MAX);
    /* One piece may be larger than the queue: libcurl's, after a pause. */
    buf_init(&running->queue, SIZE_MAX / 2);
    buf_init(&running->spare, SIZE_MAX / 2);
}

static void running_done(struct running *running)
{
    client_setup_done(running);
    buf_done(&running->head);
    buf_done(&running->queue);
    buf_done(&running->spare);
    (void)pthread_cond_destroy(&running->changed);
    (void)pthread_mutex_destroy(&running->lock);
    free(running->send);
    free(running);
}

static const struct client_callbacks callbacks = { .on_header = on_header,
                                                   .on_write = on_write,
                                                   .on_read = on_read,
                                                   .on_open = on_open,
                                                   .on_connected = on_connected };

int transfer_run(struct client_io *io, const struct transfer *transfer, struct ein_error *err)
{
    struct running *running = malloc(sizeof(*running));
    struct ein_cancel cancel;
    int r;

    if (!running)
        return error_set(err, EIN_E_NO_MEMORY, "no memory for a fetch");
    running_init(running, transfer);
    r = client_setup(running, &callbacks, err);
    if (r == 0) {
        cancel_init(&cancel, transfer->cancel);
        cancel_on_fire(&cancel, on_cancel, running);
        client_io_add(io, &running->task);
        r = converse(io, running, err);
        leave(io, running);
        cancel_done(&cancel);
        if (r >= 0)
            r = r == ENDED ? client_setup_outcome(running, err) : 0;
    }
    running_done(running);
    return r;
}
