/* SPDX-License-Identifier: Apache-2.0 */
/* Spans that wait to be sent: any thread puts them in, one takes them out. */
#pragma once

#include <einion/plugin.h>
#include <pthread.h>
#include <stddef.h>

struct span {
    struct span *next;
    char trace_id[33], span_id[17], parent_id[17]; /* parent_id "": there is none */
    int kind;
    int64_t began_ns, ended_ns;
    struct json_t *attributes; /* may be NULL */
    char *error;               /* NULL: it went well */
    char name[];
};

struct queue {
    pthread_mutex_t lock;
    size_t max;
    struct span *first, **last; /* guarded by lock, as is all below */
    size_t count;
    uint64_t dropped; /* since it was last asked */
};

void queue_init(struct queue *queue, size_t max);
void queue_done(struct queue *queue);

/* Copies what it is told; returns how many wait.  One that finds the queue full, or no memory, is
 * dropped. */
size_t queue_push(struct queue *queue, const struct ein_span_told *told);
/* The oldest, at most `max`; spans_free(). */
struct span *queue_take(struct queue *queue, size_t max, size_t *ret_count);
uint64_t queue_dropped(struct queue *queue);
void spans_free(struct span *spans);
