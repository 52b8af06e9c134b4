/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that sends, in batches: what waits for a collector holds up nobody else. */
#include "otlp.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"

enum { STACK_SIZE = 1 << 20 };

/* ---- in ---- */

/* A batch that is there is announced once. */
void otlp_on_span(const struct ein_span_told *told, void *data)
{
    struct otlp *otlp = data;

    if (queue_push(&otlp->queue, told) != otlp->batch)
        return;
    EIN_LOCKED(&otlp->lock);
    otlp->is_full = true;
    (void)pthread_cond_signal(&otlp->woken);
}

/* ---- waiting ---- */

/* The lock is held. */
static void wait_ms(struct otlp *otlp, pthread_cond_t *cond, int64_t until_ms)
{
    const struct timespec until = clock_deadline(until_ms - clock_mono_ms());

    (void)pthread_cond_clockwait(cond, &otlp->lock, CLOCK_MONOTONIC, &until);
}

bool otlp_wait(struct otlp *otlp, int64_t until_ms)
{
    EIN_LOCKED(&otlp->lock);

    while (clock_mono_ms() < until_ms && !(otlp->stopping && until_ms >= otlp->stop_ms))
        wait_ms(otlp, &otlp->woken, until_ms);
    return !otlp->stopping || until_ms < otlp->stop_ms;
}

uint32_t otlp_left_ms(struct otlp *otlp)
{
    EIN_LOCKED(&otlp->lock);
    int64_t left_ms = otlp->stopping ? otlp->stop_ms - clock_mono_ms() : otlp->timeout_ms;

    if (left_ms > otlp->timeout_ms)
        left_ms = otlp->timeout_ms;
    return left_ms > 0 ? (uint32_t)left_ms : 0;
}

/* Until then, or until a batch is there; true: it is to end. */
static bool wait_for_work(struct otlp *otlp, int64_t until_ms)
{
    EIN_LOCKED(&otlp->lock);

    while (!otlp->stopping && !otlp->is_full && clock_mono_ms() < until_ms)
        wait_ms(otlp, &otlp->woken, until_ms);
    otlp->is_full = false;
    return otlp->stopping;
}

/* ---- out ---- */

static void count(const struct otlp *otlp, const char *outcome, uint64_t spans)
{
    const char *const labels[] = { "outcome", outcome, NULL };

    if (spans > 0)
        otlp->host->count(otlp->ctx, "einion_otlp_spans_total", (double)spans, labels);
}

static void tell_dropped(struct otlp *otlp)
{
    uint64_t dropped = queue_dropped(&otlp->queue);

    count(otlp, "dropped", dropped);
    if (dropped > 0)
        otlp->host->log_msg(otlp->ctx, EIN_WARN,
                            "%llu spans were dropped: the queue of %zu was full",
                            (unsigned long long)dropped, otlp->queue.max);
}

/* All that are there now. */
static void send_spans(struct otlp *otlp)
{
    size_t some = otlp->batch, sent = 0;

    while (some == otlp->batch && sent < otlp->queue.max) {
        struct span *spans = queue_take(&otlp->queue, otlp->batch, &some);

        if (!spans)
            break;
        bool taken = otlp_send(otlp, otlp->traces_url, otlp_spans(otlp, spans));
        count(otlp, taken ? "sent" : "failed", some);
        spans_free(spans);
        sent += some;
    }
    tell_dropped(otlp);
}

static void *export(void *data)
{
    struct otlp *otlp = data;
    int64_t metrics_ms = clock_mono_ms() + otlp->metrics_interval_ms;
    bool stopping;

    do {
        int64_t until_ms = clock_mono_ms() + otlp->interval_ms;

        stopping =
            wait_for_work(otlp, otlp->metrics_url && metrics_ms < until_ms ? metrics_ms : until_ms);
        if (otlp->traces_url)
            send_spans(otlp);
        if (otlp->metrics_url && (stopping || clock_mono_ms() >= metrics_ms)) {
            (void)otlp_send(otlp, otlp->metrics_url, otlp_metrics(otlp));
            metrics_ms = clock_mono_ms() + otlp->metrics_interval_ms;
        }
    } while (!stopping);

    EIN_LOCKED(&otlp->lock);
    otlp->has_ended = true;
    (void)pthread_cond_signal(&otlp->ended);
    return NULL;
}

/* ---- start and stop ---- */

static int64_t began_ns(const struct otlp *otlp)
{
    const struct ein_service *service;
    EIN_JSON json_t *status = NULL;
    int64_t up_ms;

    if (otlp->host->acquire(otlp->ctx, EIN_SERVER, NULL, &service) < 0)
        return clock_wall_us() * 1000;
    (void)((const struct ein_server *)service->vtable)->status(service->impl, &status, NULL);
    otlp->host->release(otlp->ctx, service);
    up_ms = json_integer_value(json_object_get(status, "uptime_ms"));
    return (clock_wall_ms() - up_ms) * 1000000;
}

int otlp_start(void *self, struct ein_error *err)
{
    struct otlp *otlp = self;

    pthread_attr_t attributes;

    otlp->began_ns = began_ns(otlp);
    otlp->cancel = otlp->host->cancel->make(otlp->ctx, NULL);
    otlp->stopping = otlp->has_ended = false;
    if (!otlp->cancel || pthread_attr_init(&attributes) != 0)
        return error_no_memory(err);
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    otlp->running = pthread_create(&otlp->thread, &attributes, export, otlp) == 0;
    (void)pthread_attr_destroy(&attributes);
    return otlp->running ? 0 : error_no_memory(err);
}

/* What waits is still sent, if that does not take too long. */
void otlp_stop(void *self)
{
    struct otlp *otlp = self;

    if (!otlp->running)
        return;
    {
        EIN_LOCKED(&otlp->lock);
        otlp->stop_ms = clock_mono_ms() + otlp->drain_ms;
        otlp->stopping = true;
        (void)pthread_cond_signal(&otlp->woken);
        while (!otlp->has_ended && clock_mono_ms() < otlp->stop_ms)
            wait_ms(otlp, &otlp->ended, otlp->stop_ms);
    }
    otlp->host->cancel->fire(otlp->cancel);
    (void)pthread_join(otlp->thread, NULL);
    otlp->running = false;
}
