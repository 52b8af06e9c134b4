/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* Topics: fire and forget, in order for one topic, delivered on the job workers.  Any thread. */
struct events;
struct gate;
struct jobs;
struct metrics;

enum { EVENTS_TOPICS_MAX = 256, EVENTS_QUEUE_MAX = 1024, EVENTS_TOPIC_NAME_MAX = 127 };

typedef void events_fn(const char *topic, const json_t *event, void *data);

/* jobs and metrics must outlive it; metrics may be NULL. */
int events_new(struct jobs *jobs, struct metrics *metrics, struct events **ret_events);
void events_free(struct events *events); /* after jobs_free(): nothing is being delivered */

/* on_event is called with the subscriber's gate entered: not before it opens, not after it is
 * shut. */
int events_subscribe(struct events *events, struct gate *gate, const char *name,
                     events_fn *on_event, void *data);
void events_withdraw(struct events *events, const struct gate *gate);

/* An event nobody subscribed to, and one more than EVENTS_QUEUE_MAX that wait in its topic, is
 * dropped; einion_events_dropped_total counts the latter. */
void events_emit(struct events *events, const char *name, json_t *take_event);
