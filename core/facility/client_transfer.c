/* SPDX-License-Identifier: Apache-2.0 */
#include "client_transfer.h"

#include "cleanup.h"
#include "client.h"
#include "client_head.h"
#include "client_setup.h"
#include "client_trust.h"
#include "clock.h"
#include "error.h"
#include <curl/curl.h>
#include <string.h>

/* running->result: what was received is all that is wanted. */
enum { ENOUGH = 1 };

/* ---- what libcurl calls ---- */

static int stop(struct running *running, int result)
{
    running->result = result;
    running->moved = true;
    return result;
}

static int stop_cancelled(struct running *running)
{
    return stop(running, error_set(running->err, EIN_E_CANCELLED, "the fetch was cancelled"));
}

static bool is_cancelled(const struct running *running)
{
    return running->what->cancel && cancel_fired(&running->cancel);
}

static int give_head(struct running *running, int status)
{
    EIN_JSON json_t *headers = client_head_json(buf_str(&running->head), running->head.len);

    running->head_done = true;
    buf_done(&running->head);
    if (!headers)
        return stop(running, error_no_memory(running->err));
    /* The callbacks of the caller take as long as they like: the other side is not to blame. */
    return stop(running,
                running->what->on_head(running->what->data, status, headers, running->err));
}

static int stop_long_head(struct running *running)
{
    return stop(running, error_set(running->err, EIN_E_TOO_LARGE,
                                   "%s: the reply's headers are longer than %d bytes",
                                   running->what->url->host, CLIENT_HEADERS_MAX));
}

static int add_to_head(struct running *running, const char *line, size_t len)
{
    running->moved = true;
    if (buf_add(&running->head, line, len) == 0)
        return 0;
    if (running->head.error == EIN_E_TOO_LARGE)
        return stop_long_head(running);
    return stop(running, error_set(running->err, running->head.error,
                                   "no memory for the reply of %s", running->what->url->host));
}

/* Nobody wants it, but libcurl keeps it. */
static int count_trailer(struct running *running, size_t len)
{
    running->trailers += len;
    return running->trailers > CLIENT_HEADERS_MAX ? stop_long_head(running) : 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct running *running = data;
    size_t len = size * count;
    long status = 0;

    if (running->head_done)
        return count_trailer(running, len) == 0 ? len : 0;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        buf_clear(&running->head);
        return len;
    }
    if (len > 2 || (len > 0 && line[0] != '\r' && line[0] != '\n'))
        return add_to_head(running, line, len) == 0 ? len : 0;
    (void)curl_easy_getinfo(running->line->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200)
        (void)give_head(running, (int)status);
    return running->result == 0 ? len : 0;
}

static size_t on_write(char *piece, size_t size, size_t count, void *data)
{
    struct running *running = data;
    const struct transfer *what = running->what;
    size_t len = size * count;

    running->received += len;
    if (running->lingers)
        return len;
    if (is_cancelled(running))
        (void)stop_cancelled(running);
    else if (running->received > what->max_bytes)
        (void)stop(running, error_set(running->err, EIN_E_TOO_LARGE,
                                      "%s: the reply is longer than %llu bytes", what->url->host,
                                      (unsigned long long)what->max_bytes));
    else
        (void)stop(running, what->on_data(what->data, piece, len, running->err));
    running->lingers = running->result == EIN_FETCH_ENOUGH;
    running->may_end = running->result == EIN_FETCH_MAY_END;
    if (running->lingers || running->may_end)
        running->result = 0;
    return running->result == 0 ? len : CURL_WRITEFUNC_ERROR;
}

/* LEN bytes have come of at most ROOM.  Of more or fewer than were promised the server would take
 * the rest for a request of its own, or the next request for the rest: that may be somebody
 * else's. */
static int check_sent(struct running *running, int64_t len, size_t room)
{
    const int64_t promised = running->what->send_len;

    if (len < 0 || (size_t)len > room)
        return error_set(running->err, EIN_E_CANCELLED, "stopped by the sender of the body");
    running->sent += len;
    if (promised >= 0 && (len > 0 ? running->sent > promised : running->sent < promised))
        return error_set(running->err, EIN_E_INVALID,
                         "%s: the body is not as long as its Content-Length",
                         running->what->url->host);
    return 0;
}

static size_t on_read(char *piece, size_t size, size_t count, void *data)
{
    struct running *running = data;
    const struct transfer *what = running->what;
    char more;
    int64_t len;
    int r;

    if (is_cancelled(running)) {
        (void)stop_cancelled(running);
        return CURL_READFUNC_ABORT;
    }
    if (running->sent_all)
        return 0;
    len = what->on_send(what->send_data, piece, size * count);
    running->moved = true;
    r = check_sent(running, len, size * count);
    if (r == 0 && len > 0 && running->sent == what->send_len) { /* newer libcurls ask no further */
        running->sent_all = true;
        r = check_sent(running, what->on_send(what->send_data, &more, 1), 1);
    }
    if (r < 0) {
        (void)stop(running, r);
        return CURL_READFUNC_ABORT;
    }
    return (size_t)len;
}

/* The address that is about to be connected to, whatever the name server said before. */
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct running *running = data;

    (void)purpose;
    running->line->trusted = false;
    if (!client_setup_address_ok(running, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A new connection leads to whom it should; one that was used before has been looked at. */
static int check_certificate(struct running *running)
{
    const struct transfer *what = running->what;
    struct curl_tlssessioninfo *info = NULL;
    int r;

    if (!what->url->tls || running->line->trusted)
        return 0;
    if (curl_easy_getinfo(running->line->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info ||
        info->backend != CURLSSLBACKEND_GNUTLS || !info->internals)
        r = error_set(running->err, EIN_E_UNSUPPORTED,
                      "%s: this libcurl does not show what GnuTLS knows of a connection",
                      what->url->host);
    else
        r = trust_check(what->trust, info->internals, what->url->host, running->err);
    running->line->trusted = r == 0;
    return stop(running, r);
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
    if (check_certificate(running) < 0)
        return CURL_PREREQFUNC_ABORT;
    running->connected = true;
    running->moved = true; /* another limit counts from now on */
    return CURL_PREREQFUNC_OK;
}

static const struct client_callbacks callbacks = { .on_header = on_header,
                                                   .on_write = on_write,
                                                   .on_read = on_read,
                                                   .on_open = on_open,
                                                   .on_connected = on_connected };

/* ---- the limits ---- */

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
    else if (running->lingers)
        limit = (struct limit){ running->active_ms, what->linger_ms, NULL };
    else if (running->may_end)
        limit = (struct limit){ running->active_ms, what->finish_ms, NULL };
    else
        limit = (struct limit){ running->active_ms, what->idle_ms, "nothing more came" };
    limit.at_ms += limit.ms;
    if (what->until_ms < limit.at_ms)
        limit = (struct limit){ what->until_ms, 0, NULL };
    return limit;
}

static int say_late(const struct running *running, const struct limit *limit)
{
    const char *host = running->what->url->host;

    if (limit->ms == 0)
        return error_set(running->err, EIN_E_TIMEOUT, "%s: the time for the whole fetch is up",
                         host);
    return error_set(running->err, EIN_E_TIMEOUT, "%s: %s within %u ms", host, limit->text,
                     limit->ms);
}

/* ---- the transfer ---- */

/* True, with its code: libcurl has ended it. */
static bool has_ended(struct running *running)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(running->line->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        running->code = (int)message->data.result;
        return true;
    }
    return false;
}

static int outcome(const struct running *running)
{
    if (running->result)
        return running->result;
    if (running->lingers && running->code != CURLE_OK)
        return ENOUGH;
    return client_setup_outcome(running, running->err);
}

/* 0 once libcurl has ended it, ENOUGH, or an error. */
static int move(struct running *running)
{
    CURLM *multi = running->line->multi;
    bool is_late = false;
    int active;

    for (;;) {
        struct limit limit;
        int64_t now_ms, left_ms;

        if (is_cancelled(running))
            return stop_cancelled(running);
        if (lines_ending(running->lines))
            return error_set(running->err, EIN_E_CANCELLED, "%s: the server is stopping",
                             running->what->url->host);
        if (curl_multi_perform(multi, &active) != CURLM_OK)
            return error_no_memory(running->err);
        if (active == 0 && has_ended(running))
            return outcome(running);
        now_ms = clock_mono_ms();
        if (running->moved)
            running->active_ms = now_ms;
        running->moved = false;
        limit = next_limit(running);
        left_ms = limit.at_ms - now_ms;
        /* What came while this thread was kept from its processor came in time. */
        if (left_ms <= 0 && is_late)
            return running->lingers || running->may_end ? ENOUGH : say_late(running, &limit);
        is_late = left_ms <= 0;
        if (!is_late)
            (void)curl_multi_poll(multi, NULL, 0, left_ms > INT_MAX ? INT_MAX : (int)left_ms, NULL);
    }
}

/* The connection is kept only after a reply that came whole. */
static bool is_reusable(struct running *running, int r)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (r == 0)
        (void)curl_easy_getinfo(running->line->easy, CURLINFO_ACTIVESOCKET, &fd);
    running->line->socket = fd;
    return fd != CURL_SOCKET_BAD;
}

/* On a line of its own. */
static int talk(struct running *running)
{
    struct line *line = running->line;
    bool keep = false;
    int r = client_setup(running, &callbacks, running->err);

    if (r == 0 && curl_multi_add_handle(line->multi, line->easy) != CURLM_OK)
        r = error_no_memory(running->err);
    if (r == 0) {
        r = move(running);
        keep = is_reusable(running, r);
        (void)curl_multi_remove_handle(line->multi, line->easy);
    }
    client_setup_done(running);
    lines_put(running->lines, &running->line, keep);
    return r;
}

/* On the thread that fires. */
static void on_cancel(void *data)
{
    struct running *running = data;

    lines_wake(running->lines, &running->line);
}

int transfer_run(struct lines *lines, const struct transfer *transfer, struct ein_error *err)
{
    struct running running = { .what = transfer, .lines = lines, .err = err };
    int64_t until_ms;
    int r;

    running.began_ms = running.active_ms = clock_mono_ms();
    until_ms = running.began_ms + transfer->connect_ms;
    if (until_ms > transfer->until_ms)
        until_ms = transfer->until_ms;
    buf_init(&running.head, CLIENT_HEADERS_MAX);
    if (transfer->cancel) {
        cancel_init(&running.cancel, transfer->cancel);
        cancel_on_fire(&running.cancel, on_cancel, &running);
    }
    r = lines_take(lines, transfer->url, transfer->cancel ? &running.cancel : NULL, until_ms,
                   &running.line, err);
    if (r == 0)
        r = talk(&running);
    if (transfer->cancel)
        cancel_done(&running.cancel);
    buf_done(&running.head);
    return r < 0 ? r : 0;
}
