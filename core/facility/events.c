/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include "cleanup.h"
#include "gate.h"
#include "jobs.h"
#include "list.h"
#include "metrics.h"
#include "str.h"
#include <pthread.h>
#include <string.h>

struct subscription {
    struct list link;
    struct gate *gate;
    events_fn *on_event;
    void *data;
    uint64_t number; /* grows along the list */
};

struct event {
    struct list link;
    json_t *json;
};

struct topic { /* made at the first subscription, kept until the end */
    struct list link;
    struct events *events;
    char name[EVENTS_TOPIC_NAME_MAX + 1];
    /* guarded by events->lock: */
    struct list subscriptions;
    struct list queue; /* struct event */
    size_t queue_len;
    bool delivering; /* `job` is with the workers */
    struct job job;
};

struct events {
    pthread_mutex_t lock;
    struct jobs *jobs;
    struct metric *dropped;
    struct list topics; /* guarded by lock, with what is below */
    size_t topic_count;
    uint64_t next_number;
};

int events_new(struct jobs *jobs, struct metrics *metrics, struct events **ret_events)
{
    struct events *events = calloc(1, sizeof(*events));

    if (!events)
        return EIN_E_NO_MEMORY;
    (void)pthread_mutex_init(&events->lock, NULL);
    list_init(&events->topics);
    events->jobs = jobs;
    if (metrics)
        events->dropped = metrics_counter(metrics, "einion_events_dropped_total",
                                          "Events lost because their topic's queue was full", NULL);
    *ret_events = events;
    return 0;
}

static void event_free(struct event *event)
{
    list_remove(&event->link);
    json_decref(event->json);
    free(event);
}

static void topic_free(struct topic *topic)
{
    list_each(it, &topic->subscriptions) free(list_entry(it, struct subscription, link));
    list_each(it, &topic->queue) event_free(list_entry(it, struct event, link));
    free(topic);
}

void events_free(struct events *events)
{
    if (!events)
        return;
    list_each(it, &events->topics) topic_free(list_entry(it, struct topic, link));
    (void)pthread_mutex_destroy(&events->lock);
    free(events);
}

/* ---- delivering ---- */

/* The first subscription after `number` that lets us in, copied: it may be withdrawn as soon as
 * the lock is released, and its owner stays until its gate is left. */
static bool next_subscription(struct topic *topic, uint64_t number, struct subscription *ret)
{
    EIN_LOCKED(&topic->events->lock);

    list_each(it, &topic->subscriptions)
    {
        const struct subscription *subscription = list_entry(it, struct subscription, link);

        if (subscription->number > number &&
            (!subscription->gate || gate_enter(subscription->gate))) {
            *ret = *subscription;
            return true;
        }
    }
    return false;
}

static void deliver(struct topic *topic, const json_t *event)
{
    struct subscription to = { .number = 0 };

    while (next_subscription(topic, to.number, &to)) {
        to.on_event(topic->name, event, to.data);
        if (to.gate)
            gate_leave(to.gate);
    }
}

static json_t *next_event(struct topic *topic)
{
    struct event *event;
    json_t *json;
    EIN_LOCKED(&topic->events->lock);

    event = list_entry(topic->queue.next, struct event, link);
    json = json_incref(event->json);
    event_free(event);
    topic->queue_len--;
    return json;
}

/* One event a turn, so that a busy topic does not keep a worker from everybody else. */
static void deliver_next(void *data)
{
    struct topic *topic = data;
    EIN_JSON json_t *event = next_event(topic);

    deliver(topic, event);

    EIN_LOCKED(&topic->events->lock);
    topic->delivering = !list_empty(&topic->queue);
    if (topic->delivering)
        jobs_add(topic->events->jobs, &topic->job);
}

/* ---- topics ---- */

static struct topic *topic_find(struct events *events, const char *name)
{
    list_each(it, &events->topics)
    {
        struct topic *topic = list_entry(it, struct topic, link);

        if (str_eq(topic->name, name))
            return topic;
    }
    return NULL;
}

static struct topic *topic_make(struct events *events, const char *name)
{
    struct topic *topic = topic_find(events, name);

    if (topic || events->topic_count >= EVENTS_TOPICS_MAX)
        return topic;
    topic = calloc(1, sizeof(*topic));
    if (!topic)
        return NULL;
    (void)snprintf(topic->name, sizeof(topic->name), "%s", name);
    topic->events = events;
    topic->job = (struct job){ .run = deliver_next, .data = topic };
    list_init(&topic->subscriptions);
    list_init(&topic->queue);
    list_append(&events->topics, &topic->link);
    events->topic_count++;
    return topic;
}

int events_subscribe(struct events *events, struct gate *gate, const char *name,
                     events_fn *on_event, void *data)
{
    struct subscription *subscription;
    struct topic *topic;
    EIN_LOCKED(&events->lock);

    if (!name || !*name || strlen(name) > EVENTS_TOPIC_NAME_MAX || !on_event)
        return EIN_E_INVALID;
    subscription = calloc(1, sizeof(*subscription));
    topic = subscription ? topic_make(events, name) : NULL;
    if (!topic) {
        free(subscription);
        return EIN_E_NO_MEMORY;
    }
    *subscription = (struct subscription){
        .gate = gate, .on_event = on_event, .data = data, .number = ++events->next_number
    };
    list_append(&topic->subscriptions, &subscription->link);
    return 0;
}

void events_withdraw(struct events *events, const struct gate *gate)
{
    EIN_LOCKED(&events->lock);

    list_each(topic_link, &events->topics)
    {
        struct topic *topic = list_entry(topic_link, struct topic, link);

        list_each(it, &topic->subscriptions)
        {
            struct subscription *subscription = list_entry(it, struct subscription, link);

            if (subscription->gate != gate)
                continue;
            list_remove(it);
            free(subscription);
        }
    }
}

/* Takes the event; false: it is lost. */
static bool enqueue(struct topic *topic, json_t *json)
{
    struct event *event;

    if (topic->queue_len >= EVENTS_QUEUE_MAX)
        return false;
    event = calloc(1, sizeof(*event));
    if (!event)
        return false;
    event->json = json_incref(json);
    list_append(&topic->queue, &event->link);
    topic->queue_len++;
    if (!topic->delivering) {
        topic->delivering = true;
        jobs_add(topic->events->jobs, &topic->job);
    }
    return true;
}

void events_emit(struct events *events, const char *name, json_t *take_event)
{
    EIN_JSON json_t *event = take_event;
    struct topic *topic;
    EIN_LOCKED(&events->lock);

    topic = name ? topic_find(events, name) : NULL;
    if (!event || !topic || list_empty(&topic->subscriptions))
        return;
    if (!enqueue(topic, event))
        metric_add(events->dropped, 1);
}
