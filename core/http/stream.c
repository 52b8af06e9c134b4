/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "buf.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "json_text.h"
#include "pipeline_inside.h"
#include "request.h"
#include <string.h>

static const char heartbeat[] = ": heartbeat\n\n";

struct stream {
    struct ein_req *req;
    pthread_t thread;
    uint32_t heartbeat_ms;
    bool events; /* a stream of events: comments may stand between them */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started;  /* guarded by lock, as is all below: the first piece is there */
    bool done;     /* the handler has returned `result` */
    bool gone;     /* nobody pulls any more, or the request is cancelled */
    bool at_break; /* what was queued so far ends in an empty line */
    int result;
    size_t pulled;
    char *ring;
    size_t size, first, len;
};

/* ---- the thread of the handler ---- */

static size_t copy_in(struct stream *stream, const char *data, size_t len)
{
    size_t room = stream->size - stream->len, count = len < room ? len : room;
    size_t at = (stream->first + stream->len) % stream->size;
    size_t till_end = stream->size - at;

    if (count <= till_end) {
        memcpy(stream->ring + at, data, count);
    } else {
        memcpy(stream->ring + at, data, till_end);
        memcpy(stream->ring, data + till_end, count - till_end);
    }
    stream->len += count;
    return count;
}

static bool ends_in_break(const char *data, size_t len)
{
    return len >= 2 && data[len - 1] == '\n' && data[len - 2] == '\n';
}

/* On the handler's thread, as the reply is its own until the first piece has gone. */
static void make_head(struct stream *stream)
{
    struct ein_req *req = stream->req;

    if (!reply_header(req, "Content-Type")) {
        stream->events = true;
        req->reply.type = "text/event-stream; charset=utf-8";
        if (!reply_header(req, "Cache-Control"))
            reply_add_header(req, "Cache-Control", "no-cache");
        if (!reply_header(req, "X-Accel-Buffering"))
            reply_add_header(req, "X-Accel-Buffering", "no");
    }
    free(req->reply.body);
    req->reply.body = NULL;
    req->reply.len = 0;
    req->reply.status = 200;
    req->reply.sent = stream->started = true;
}

static int push(struct stream *stream, const char *data, size_t len)
{
    size_t left = len;

    EIN_LOCKED(&stream->lock);
    if (len > 0)
        stream->at_break = false;
    while (left > 0) {
        while (stream->len == stream->size && !stream->gone)
            (void)pthread_cond_wait(&stream->changed, &stream->lock);
        if (stream->gone)
            return EIN_E_CANCELLED;
        if (!stream->started)
            make_head(stream);
        left -= copy_in(stream, data + (len - left), left);
        (void)pthread_cond_broadcast(&stream->changed);
    }
    stream->at_break = ends_in_break(data, len);
    return stream->gone ? EIN_E_CANCELLED : 0;
}

int stream_send_bytes(struct ein_req *req, const void *data, size_t len)
{
    return req->stream ? push(req->stream, data, len) : EIN_E_UNSUPPORTED;
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

    if (!req->stream) /* a route without EIN_ROUTE_EVENTS */
        return EIN_E_UNSUPPORTED;
    if (!text || !one_line(id) || !one_line(event))
        return EIN_E_INVALID;
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

static void *run_handler(void *data)
{
    struct stream *stream = data;
    struct ein_req *req = stream->req;
    int result = req->route->spec.handle(req, req->route->self);

    EIN_LOCKED(&stream->lock);
    stream->result = result;
    stream->done = true;
    (void)pthread_cond_broadcast(&stream->changed);
    return NULL;
}

/* ---- the thread of the connection ---- */

static void set_gone(void *data)
{
    struct stream *stream = data;

    EIN_LOCKED(&stream->lock);
    stream->gone = true;
    (void)pthread_cond_broadcast(&stream->changed);
}

static void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    (void)pthread_cond_destroy(&stream->changed);
    (void)pthread_mutex_destroy(&stream->lock);
    free(stream->ring);
    free(stream);
}

static struct stream *stream_new(struct ein_req *req)
{
    const struct limits *limits = &req->settings->limits;
    struct stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return NULL;
    stream->req = req;
    stream->heartbeat_ms = limits->heartbeat_ms;
    stream->at_break = true;
    stream->size = limits->stream_queue_bytes;
    stream->ring = malloc(stream->size);
    (void)pthread_mutex_init(&stream->lock, NULL);
    (void)pthread_cond_init(&stream->changed, NULL);
    if (!stream->ring) {
        stream_free(stream);
        return NULL;
    }
    return stream;
}

static int start_thread(struct stream *stream, uint32_t stack_bytes)
{
    pthread_attr_t attr;
    int r;

    if (pthread_attr_init(&attr) != 0)
        return EIN_E_NO_MEMORY;
    (void)pthread_attr_setstacksize(&attr, stack_bytes);
    r = pthread_create(&stream->thread, &attr, run_handler, stream);
    (void)pthread_attr_destroy(&attr);
    return r == 0 ? 0 : EIN_E_BUSY;
}

/* Waits for the first piece or the end; true: there is a piece. */
static bool wait_for_start(struct stream *stream)
{
    EIN_LOCKED(&stream->lock);
    while (!stream->started && !stream->done)
        (void)pthread_cond_wait(&stream->changed, &stream->lock);
    return stream->started;
}

int stream_open(struct ein_req *req, int *ret_result)
{
    struct stream *stream;
    int r;

    if (!pipeline_enter_stream(req->pipeline, req->settings->limits.streams))
        return EIN_E_BUSY;
    stream = stream_new(req);
    r = stream ? 0 : EIN_E_NO_MEMORY;
    if (r >= 0) {
        req->stream = stream;
        cancel_on_fire(request_cancel(req), set_gone, stream);
        r = start_thread(stream, req->settings->limits.stack_bytes);
    }
    if (r < 0) {
        request_drop_cancel(req);
        req->stream = NULL;
        stream_free(stream);
        pipeline_leave_stream(req->pipeline);
        return r;
    }
    if (wait_for_start(stream))
        return 0;
    *ret_result = stream->result;
    (void)stream_close(req);
    return 0;
}

static size_t copy_out(struct stream *stream, char *out, size_t size)
{
    size_t count = stream->len < size ? stream->len : size;
    size_t till_end = stream->size - stream->first;

    if (count <= till_end) {
        memcpy(out, stream->ring + stream->first, count);
    } else {
        memcpy(out, stream->ring + stream->first, till_end);
        memcpy(out + till_end, stream->ring, count - till_end);
    }
    stream->first = (stream->first + count) % stream->size;
    stream->len -= count;
    (void)pthread_cond_broadcast(&stream->changed);
    return count;
}

ssize_t stream_pull(struct stream *stream, char *out, size_t size)
{
    struct timespec until = clock_deadline(stream->heartbeat_ms);
    size_t count = 0;

    EIN_LOCKED(&stream->lock);
    while (stream->len == 0 && !stream->done && count == 0) {
        int r = pthread_cond_clockwait(&stream->changed, &stream->lock, CLOCK_MONOTONIC, &until);

        if (r != ETIMEDOUT)
            continue;
        if (stream->len == 0 && stream->events && stream->at_break &&
            size >= sizeof(heartbeat) - 1) {
            count = sizeof(heartbeat) - 1;
            memcpy(out, heartbeat, count);
        }
        until = clock_deadline(stream->heartbeat_ms);
    }
    if (count == 0)
        count = copy_out(stream, out, size);
    stream->pulled += count;
    return (ssize_t)count;
}

static bool is_done(struct stream *stream)
{
    EIN_LOCKED(&stream->lock);
    return stream->done;
}

size_t stream_close(struct ein_req *req)
{
    struct stream *stream = req->stream;
    size_t pulled;

    if (!stream)
        return 0;
    if (!is_done(stream))
        cancel_fire(&req->cancel);
    (void)pthread_join(stream->thread, NULL);
    pulled = stream->pulled;
    request_drop_cancel(req); /* nobody fires into the queue after this */
    req->stream = NULL;
    stream_free(stream);
    pipeline_leave_stream(req->pipeline);
    return pulled;
}
