/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for the world, each on its own thread, answered on the run's. */
#pragma once

#include "run.h"

#include <jansson.h>
#include <stdatomic.h>

struct slow_kind {
    enum slow_lane lane;
    /* On the call's own thread: touches nothing but the call. */
    void (*perform)(struct slow_call *call);
    /* On the run's thread, once it has been performed.  note() also when nobody waits for the
     * answer any more; may be NULL.  answer() NULL: `json`, or what python_error() calls R. */
    void (*note)(struct slow_call *call, struct agent *agent);
    void (*answer)(struct slow_call *call, struct agent *agent);
    const char *not_found, *unavailable;
    void (*free)(struct slow_call *call); /* with the memory of the call itself */

    /* Of calls that are told more while they are performed, on the run's thread; else NULL.
     * news(): after slow_tell().  take(): bytes of a body, false: more than it may send.  used():
     * so many bytes of an answer are.  stop(): whoever waits within the call gives up. */
    void (*news)(struct slow_call *call, struct agent *agent);
    bool (*take)(struct slow_call *call, const void *bytes, size_t len, bool last);
    void (*used)(struct slow_call *call, size_t len);
    void (*stop)(struct slow_call *call);
};

/* The first member of each kind of call; slow_begin() fills what is below `r`. */
struct slow_call {
    const struct slow_kind *kind;
    json_t *json; /* the answer, unless there is R */
    struct ein_error err;
    int r;
    struct slow_call *next;
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t serial; /* of the agent that waits */
    int64_t id;
    size_t held; /* of the agent's */
    int wake;
    char place[EIN_TRACEPARENT_SIZE]; /* of the agent */
    pthread_t thread;
    bool begun;
    atomic_bool has_news;
    atomic_bool finished;      /* after this the thread touches nothing */
    struct ein_cancel *cancel; /* may be NULL */
};

/* Counts one more call of AGENT's run; false when it has made as many as it may. */
bool slow_count(struct agent *agent, enum slow_lane lane);
/* A call of SIZE bytes, zeros behind its kind, which counts; NULL: the agent has been told that
 * there are TOO_MANY, or no memory. */
void *slow_new(struct agent *agent, int64_t id, const struct slow_kind *kind, size_t size,
               const char *too_many);
/* Takes CALL over: performed as soon as fewer than the lane's bound are, or answered at once if it
 * has an R already. */
void slow_begin(struct agent *agent, int64_t id, struct slow_call *take_call);
/* On the call's own thread: news() is to be called. */
void slow_tell(struct slow_call *call);
/* The agent's call ID if it is under way, or NULL. */
struct slow_call *slow_find(const struct run *run, uint32_t serial, int64_t id);
/* The agent no longer waits for it. */
void slow_cancel(struct run *run, uint32_t serial, int64_t call_id);
/* After run->wake: answers what has finished, starts what waited. */
void slow_collect(struct run *run);
/* Cancels all of an agent that ends, waits for their threads, and notes them. */
void slow_leave(struct agent *agent);
/* The same for whatever is left of the run; nothing is noted. */
void slow_end(struct run *run);

/* What Python calls such a failure, and what it calls NOT_FOUND and UNAVAILABLE of this kind. */
const char *python_error(int code, const char *not_found, const char *unavailable);
