/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream goes past libmicrohttpd, which can only pull a reply: that would need a thread more for
 * each stream, a queue, and two switches for each piece. */
#include "stream.h"
#include "buf.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "cors.h"
#include "http_inside.h"
#include "json_text.h"
#include "once.h"
#include "request.h"
#include "str.h"
#include "stream_head.h"
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static const char heartbeat[] = ": heartbeat\n\n";
static const char heartbeat_chunk[] = "d\r\n: heartbeat\n\n\r\n";
static const char last_chunk[] = "0\r\n\r\n";

enum { PIECE_PARTS = 5, SIZE_LINE = 24 };

struct stream {
    struct ein_req *req;
    struct watch_beat beat;
    uint32_t heartbeat_ms;
    bool head_only;    /* HEAD: nothing follows it */
    int64_t active_ms; /* atomic: when something was last sent */

    pthread_mutex_t lock;
    bool chunked;    /* guarded by lock, as is all below */
    bool started;    /* the head has gone */
    bool early;      /* a heartbeat may send it */
    bool events;     /* a stream of events: comments may stand between them */
    bool gone;       /* nobody is there to read */
    bool at_break;   /* what was sent so far ends in an empty line */
    const char *due; /* the rest of a heartbeat that did not fit; "" */
    size_t len;      /* sent, without what frames it */
    int64_t owed;    /* bytes: what was due while the client was waited for, less what it took */
};

/* ---- writing; the lock is held ---- */

static int set_gone(struct stream *stream)
{
    stream->gone = true;
    return EIN_E_CANCELLED;
}

static bool is_cancelled(const struct stream *stream)
{
    return cancel_fired(&stream->req->cancel);
}

/* The client is slow: until it has taken something, or is not waited for any more. */
static int wait_for_room(struct stream *stream)
{
    const struct limits *limits = &stream->req->settings->limits;
    int64_t began_ms = clock_mono_ms();
    int64_t left_ms = limits_reply_ms(limits, limits->stream_queue_bytes - stream->owed);
    struct pollfd fds[2] = { { .fd = stream->req->head.fd, .events = POLLOUT },
                             { .fd = cancel_fd(&stream->req->cancel), .events = POLLIN } };

    left_ms = left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : left_ms;
    int r = poll(fds, fds[1].fd < 0 ? 1 : 2, (int)left_ms);
    bool given_up = r == 0 || (r < 0 && errno != EINTR);
    stream->owed += (clock_mono_ms() - began_ms) * limits->reply_bytes_s / 1000;
    return given_up || is_cancelled(stream) ? set_gone(stream) : 0;
}

/* Takes what was sent off the front. */
static void advance(struct msghdr *message, size_t sent)
{
    while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
        sent -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen > 0) {
        message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
        message->msg_iov->iov_len -= sent;
    }
}

static int write_all(struct stream *stream, struct iovec *parts, size_t count)
{
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
    int r = 0;

    advance(&message, 0);
    while (message.msg_iovlen > 0 && r == 0) {
        ssize_t sent = sendmsg(stream->req->head.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent >= 0) {
            advance(&message, (size_t)sent);
            stream->owed = stream->owed > sent ? stream->owed - sent : 0;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            r = wait_for_room(stream);
        } else if (errno != EINTR) {
            r = set_gone(stream);
        }
    }
    __atomic_store_n(&stream->active_ms, clock_mono_ms(), __ATOMIC_RELAXED);
    return r;
}

static struct iovec part_of(const void *data, size_t len)
{
    return (struct iovec){ (void *)data, len };
}

/* What is waiting in the kernel for the client is bounded, and a piece is not kept back until
 * there are more. */
static void set_socket(const struct ein_req *req)
{
    int size = (int)req->settings->limits.stream_queue_bytes, on = 1;

    (void)setsockopt(req->head.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(req->head.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int start(struct stream *stream, struct buf *head)
{
    struct ein_req *req = stream->req;

    stream->events = stream_head_set(req);
    cors_expose(req);
    if (stream_head_text(req, stream->chunked, head) < 0)
        return EIN_E_NO_MEMORY;
    set_socket(req);
    free(req->reply.body);
    req->reply.body = NULL;
    req->reply.len = 0;
    req->reply.sent = stream->started = true;
    return 0;
}

static bool ends_in_break(const char *data, size_t len)
{
    return len >= 2 && data[len - 1] == '\n' && data[len - 2] == '\n';
}

/* What stands before a chunk, at the end of TEXT. */
static struct iovec size_line(char text[SIZE_LINE], size_t len)
{
    char *end = text + SIZE_LINE, *at = end;

    *--at = '\n';
    *--at = '\r';
    do
        *--at = "0123456789abcdef"[len % 16];
    while (len /= 16);
    return part_of(at, (size_t)(end - at));
}

static int write_piece(struct stream *stream, const struct buf *head, const char *data, size_t len)
{
    char size[SIZE_LINE];
    struct iovec parts[PIECE_PARTS] = { part_of(stream->due, strlen(stream->due)),
                                        part_of(head->data, head->len),
                                        stream->chunked ? size_line(size, len) : part_of("", 0),
                                        part_of(data, len),
                                        part_of("\r\n", stream->chunked ? 2 : 0) };
    int r = write_all(stream, parts, stream->head_only ? 2 : PIECE_PARTS);

    if (stream->head_only)
        return set_gone(stream);
    stream->due = "";
    stream->at_break = ends_in_break(data, len);
    stream->len += len;
    return r;
}

/* With an Idempotency-Key the handler goes on without its client. */
static int left(const struct stream *stream)
{
    struct once *once = stream->req->once;

    if (!once)
        return EIN_E_CANCELLED;
    once->cut = once->cut || is_cancelled(stream);
    return once->cut ? EIN_E_CANCELLED : 0;
}

static int push(struct stream *stream, const char *data, size_t len)
{
    char storage[512];
    struct buf head;
    int r = 0;
    EIN_LOCKED(&stream->lock);

    if (is_cancelled(stream))
        (void)set_gone(stream);
    else
        once_streamed(stream->req, data, len);
    if (stream->gone)
        return left(stream);
    if (len == 0)
        return 0;
    buf_init_in(&head, storage, sizeof(storage), SIZE_MAX / 2);
    if (!stream->started)
        r = start(stream, &head);
    if (r == 0)
        r = write_piece(stream, &head, data, len);
    buf_done(&head);
    return stream->gone ? left(stream) : r;
}

/* ---- what a handler calls ---- */

/* A mistake of the handler's, which is told no more than the code. */
static int refuse(const struct ein_req *req, int code, const char *why)
{
    if (req->route)
        request_log(req, EIN_ERROR, "%s: %s", req->route->spec.operation_id, why);
    return code;
}

static int no_stream(const struct ein_req *req)
{
    return refuse(req, EIN_E_UNSUPPORTED,
                  "its route is without EIN_ROUTE_EVENTS: it sends no stream");
}

int stream_send_bytes(struct ein_req *req, const void *data, size_t len)
{
    if (!req->stream)
        return no_stream(req);
    if (len > PTRDIFF_MAX || (!data && len > 0))
        return refuse(req, EIN_E_INVALID, "send_bytes(): there are no bytes, or fewer than none");
    return push(req->stream, data, len);
}

static bool one_line(const char *text)
{
    return !text || !text[strcspn(text, "\r\n")];
}

int stream_send_event(struct ein_req *req, const char *id, const char *event, json_t *take_data)
{
    EIN_JSON json_t *data = take_data;
    EIN_FREE char *text = data ? json_text_dump(data, NULL) : NULL;
    struct buf frame;
    int r;

    if (!req->stream)
        return no_stream(req);
    if (!text || !one_line(id) || !one_line(event))
        return refuse(req, EIN_E_INVALID,
                      "send_event(): its data have no JSON text, or id or event are not one line");
    buf_init(&frame, STREAM_EVENT_MAX);
    if (id)
        (void)buf_printf(&frame, "id: %s\n", id);
    if (event)
        (void)buf_printf(&frame, "event: %s\n", event);
    (void)buf_text(&frame, "data: ");
    (void)buf_text(&frame, text);
    r = buf_text(&frame, "\n\n");
    if (r >= 0)
        r = push(req->stream, frame.data, frame.len);
    buf_done(&frame);
    return r;
}

int stream_beat_early(struct ein_req *req, int on)
{
    struct stream *stream = req->stream;

    if (!stream)
        return EIN_E_UNSUPPORTED;
    if (on)
        __atomic_store_n(&stream->active_ms, clock_mono_ms(), __ATOMIC_RELAXED);
    EIN_LOCKED(&stream->lock);
    stream->early = on;
    return stream->started;
}

/* ---- heartbeats, on the thread that watches ---- */

/* Before the first piece, so that nobody between takes the connection for dead.  There is room for
 * it, unless the client does not even read what it was sent before. */
static void beat_first(struct stream *stream)
{
    char storage[512];
    struct buf head;

    buf_init_in(&head, storage, sizeof(storage), SIZE_MAX / 2);
    if (!reply_header(stream->req, "Content-Type") && start(stream, &head) == 0) {
        if (!stream->head_only)
            (void)buf_text(&head, stream->chunked ? heartbeat_chunk : heartbeat);
        stream->gone = head.error ||
                       send(stream->req->head.fd, head.data, head.len,
                            MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)head.len ||
                       stream->head_only;
        stream->len += sizeof(heartbeat) - 1;
    }
    stream->early = false;
    buf_done(&head);
}

/* Never waits: where something is being sent, there is no silence. */
static void on_beat(struct watch_beat *beat, int64_t now_ms)
{
    struct stream *stream = list_entry(beat, struct stream, beat);
    const char *text = stream->chunked ? heartbeat_chunk : heartbeat;
    ssize_t sent;

    if (now_ms - __atomic_load_n(&stream->active_ms, __ATOMIC_RELAXED) < stream->heartbeat_ms ||
        pthread_mutex_trylock(&stream->lock) != 0)
        return;
    if (stream->early && !stream->started && !is_cancelled(stream)) {
        beat_first(stream);
    } else if (stream->started && stream->events && stream->at_break && !stream->gone &&
               !*stream->due) {
        sent = send(stream->req->head.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            stream->due = text + sent;
        if (sent > 0)
            stream->len += sizeof(heartbeat) - 1;
    }
    __atomic_store_n(&stream->active_ms, now_ms, __ATOMIC_RELAXED);
    (void)pthread_mutex_unlock(&stream->lock);
}

/* ---- the whole of it ---- */

static void finish(struct stream *stream)
{
    struct ein_req *req = stream->req;
    struct iovec parts[] = { part_of(stream->due, strlen(stream->due)),
                             part_of(last_chunk, stream->chunked ? sizeof(last_chunk) - 1 : 0) };
    EIN_LOCKED(&stream->lock);

    if (!stream->started)
        return;
    if (!stream->gone && !is_cancelled(stream))
        (void)write_all(stream, parts, 2);
    req->reply.len = stream->len;
    (void)shutdown(req->head.fd, SHUT_WR);
}

/* To a client that left before anything was sent no handler owes a reply. */
static int result_of(const struct stream *stream, int result)
{
    bool nothing_said = result >= 0 && stream->req->reply.status == 0;

    return nothing_said && is_cancelled(stream) ? EIN_E_CANCELLED : result;
}

int stream_run(struct ein_req *req, int (*call)(struct ein_req *req), int *ret_result)
{
    struct stream stream = { .req = req,
                             .beat.on_beat = on_beat,
                             .heartbeat_ms = req->settings->limits.heartbeat_ms,
                             .head_only = str_eq(req->head.method, "HEAD"),
                             .chunked = stream_head_may_chunk(req),
                             .at_break = true,
                             .due = "" };

    if (!http_enter_stream(req->http, req->settings->limits.streams))
        return EIN_E_BUSY;
    (void)pthread_mutex_init(&stream.lock, NULL);
    (void)request_cancel(req); /* a client that leaves is noticed while the handler waits */
    req->stream = &stream;
    watch_beat_add(req->http->watch, &stream.beat);
    *ret_result = call(req);
    watch_beat_remove(req->http->watch, &stream.beat);
    finish(&stream);
    *ret_result = result_of(&stream, *ret_result);
    req->stream = NULL;
    (void)pthread_mutex_destroy(&stream.lock);
    http_leave_stream(req->http);
    return 0;
}
