/* SPDX-License-Identifier: Apache-2.0 */
/* A body on its way between an agent's process and the thread of its HTTP call, in pieces. */
#pragma once

#include "buf.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Never more than `window` bytes are in it or beyond it: taken out, and not given back as used. */
struct body_pipe {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t window; /* const */
    /* guarded by lock */
    struct buf in;
    size_t taken;
    bool ended, broken;
};

void body_pipe_init(struct body_pipe *pipe, size_t window);
void body_pipe_done(struct body_pipe *pipe);

/* Puts them in: 0, TOO_LARGE (more than there is room for) or NO_MEMORY. */
int body_pipe_put(struct body_pipe *pipe, const void *bytes, size_t len);
/* Likewise, when there is room, in as many turns as it takes: also TIMEOUT (at `until_ms` of
 * clock_mono_ms()) and CANCELLED (it was broken). */
int body_pipe_put_waiting(struct body_pipe *pipe, const void *bytes, size_t len, int64_t until_ms);
/* Nothing more is put in. */
void body_pipe_end(struct body_pipe *pipe);

/* Takes out all that is in it, which the caller frees; its length, 0: nothing is there. */
size_t body_pipe_take(struct body_pipe *pipe, char **ret_bytes);
/* Takes out at most `size` bytes when there are some; 0 at the end, or as above. */
int64_t body_pipe_read_waiting(struct body_pipe *pipe, void *room, size_t size, int64_t until_ms);
/* So many of those that were taken are used; more than were taken are not heard of. */
void body_pipe_used(struct body_pipe *pipe, size_t len);
/* All that were taken are used; how many that were. */
size_t body_pipe_use_all(struct body_pipe *pipe);

/* Whoever waits for it gives up, now and later. */
void body_pipe_break(struct body_pipe *pipe);
