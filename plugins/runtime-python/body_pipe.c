/* SPDX-License-Identifier: Apache-2.0 */
#include "body_pipe.h"
#include "cleanup.h"
#include "clock.h"

#include <einion/plugin.h>
#include <errno.h>
#include <string.h>

void body_pipe_init(struct body_pipe *pipe, size_t window)
{
    *pipe = (struct body_pipe){ .window = window };
    buf_init(&pipe->in, window);
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_cond_init(&pipe->changed, NULL);
}

void body_pipe_done(struct body_pipe *pipe)
{
    buf_done(&pipe->in);
    pthread_cond_destroy(&pipe->changed);
    pthread_mutex_destroy(&pipe->lock);
}

/* ---- in ---- */

static size_t room_of(const struct body_pipe *pipe)
{
    return pipe->window - pipe->in.len - pipe->taken;
}

static int append(struct body_pipe *pipe, const void *bytes, size_t len)
{
    int r = buf_add(&pipe->in, bytes, len);

    pthread_cond_broadcast(&pipe->changed);
    return r;
}

int body_pipe_put(struct body_pipe *pipe, const void *bytes, size_t len)
{
    EIN_LOCKED(&pipe->lock);

    return len > room_of(pipe) ? EIN_E_TOO_LARGE : append(pipe, bytes, len);
}

/* 0, or what ends the waiting for a change. */
static int wait_for_change(struct body_pipe *pipe, int64_t until_ms)
{
    const struct timespec until = clock_deadline(until_ms - clock_mono_ms());

    if (pipe->broken)
        return EIN_E_CANCELLED;
    return pthread_cond_clockwait(&pipe->changed, &pipe->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT
               ? EIN_E_TIMEOUT
               : 0;
}

int body_pipe_put_waiting(struct body_pipe *pipe, const void *bytes, size_t len, int64_t until_ms)
{
    EIN_LOCKED(&pipe->lock);
    const char *next = bytes;
    int r = 0;

    while (len > 0 && r == 0) {
        size_t room = room_of(pipe), some = len < room ? len : room;
        if (pipe->broken)
            return EIN_E_CANCELLED;
        if (some == 0) {
            r = wait_for_change(pipe, until_ms);
            continue;
        }
        r = append(pipe, next, some);
        next += some;
        len -= some;
    }
    return r;
}

void body_pipe_end(struct body_pipe *pipe)
{
    EIN_LOCKED(&pipe->lock);

    pipe->ended = true;
    pthread_cond_broadcast(&pipe->changed);
}

/* ---- out ---- */

size_t body_pipe_take(struct body_pipe *pipe, char **ret_bytes)
{
    EIN_LOCKED(&pipe->lock);
    size_t len = 0;

    if (pipe->in.len == 0)
        return 0;
    *ret_bytes = buf_take(&pipe->in, &len);
    pipe->taken += len;
    return len;
}

int64_t body_pipe_read_waiting(struct body_pipe *pipe, void *room, size_t size, int64_t until_ms)
{
    EIN_LOCKED(&pipe->lock);

    while (pipe->in.len == 0 || pipe->broken) {
        if (pipe->ended && !pipe->broken)
            return 0;
        int r = wait_for_change(pipe, until_ms);
        if (r < 0)
            return r;
    }
    size_t len = pipe->in.len < size ? pipe->in.len : size;
    memcpy(room, pipe->in.data, len);
    buf_drop(&pipe->in, len);
    pipe->taken += len;
    return (int64_t)len;
}

void body_pipe_used(struct body_pipe *pipe, size_t len)
{
    EIN_LOCKED(&pipe->lock);

    pipe->taken -= len < pipe->taken ? len : pipe->taken;
    pthread_cond_broadcast(&pipe->changed);
}

size_t body_pipe_use_all(struct body_pipe *pipe)
{
    EIN_LOCKED(&pipe->lock);
    size_t len = pipe->taken;

    pipe->taken = 0;
    return len;
}

void body_pipe_break(struct body_pipe *pipe)
{
    EIN_LOCKED(&pipe->lock);

    pipe->broken = true;
    pthread_cond_broadcast(&pipe->changed);
}
