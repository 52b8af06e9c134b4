/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include "cleanup.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

void queue_init(struct queue *queue, size_t max)
{
    *queue = (struct queue){ .max = max };
    queue->last = &queue->first;
    (void)pthread_mutex_init(&queue->lock, NULL);
}

void queue_done(struct queue *queue)
{
    spans_free(queue->first);
    (void)pthread_mutex_destroy(&queue->lock);
}

void spans_free(struct span *spans)
{
    while (spans) {
        struct span *span = spans;

        spans = span->next;
        json_decref(span->attributes);
        free(span->error);
        free(span);
    }
}

static struct span *span_of(const struct ein_span_told *told)
{
    size_t len = strlen(told->name);
    struct span *span = calloc(1, sizeof(*span) + len + 1);

    if (!span)
        return NULL;
    memcpy(span->name, told->name, len);
    (void)snprintf(span->trace_id, sizeof(span->trace_id), "%s", told->trace_id);
    (void)snprintf(span->span_id, sizeof(span->span_id), "%s", told->span_id);
    if (told->parent_id)
        (void)snprintf(span->parent_id, sizeof(span->parent_id), "%s", told->parent_id);
    span->kind = told->kind;
    span->began_ns = told->began_ns;
    span->ended_ns = told->ended_ns;
    span->error = told->error ? strdup(told->error) : NULL;
    span->attributes = json_incref((json_t *)told->attributes);
    return span;
}

size_t queue_push(struct queue *queue, const struct ein_span_told *told)
{
    struct span *span = span_of(told), *lost = NULL;
    size_t count;

    {
        EIN_LOCKED(&queue->lock);
        if (!span || queue->count >= queue->max) {
            queue->dropped++;
            lost = span;
        } else {
            *queue->last = span;
            queue->last = &span->next;
            queue->count++;
        }
        count = queue->count;
    }
    spans_free(lost);
    return count;
}

struct span *queue_take(struct queue *queue, size_t max, size_t *ret_count)
{
    struct span *spans, **end;
    size_t count = 0;
    EIN_LOCKED(&queue->lock);

    spans = queue->first;
    for (end = &queue->first; *end && count < max; end = &(*end)->next)
        count++;
    if (count == 0)
        spans = NULL;
    if (count > 0) {
        queue->first = *end;
        *end = NULL;
        queue->count -= count;
        if (!queue->first)
            queue->last = &queue->first;
    }
    *ret_count = count;
    return spans;
}

uint64_t queue_dropped(struct queue *queue)
{
    EIN_LOCKED(&queue->lock);
    uint64_t dropped = queue->dropped;

    queue->dropped = 0;
    return dropped;
}
