/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue.h"

#include <einion/services.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

enum { OTLP_HEADERS_MAX = 32 };

/* Of the collector, in the log: whether it takes what is sent, and what it says of that. */
enum otlp_said { OTLP_SAID_STATE, OTLP_SAID_PARTIAL, OTLP_SAID_COUNT };

struct otlp {
    const struct ein_host *host;
    struct ein_ctx *ctx;

    char *traces_url, *metrics_url;      /* NULL: not sent */
    char *headers[OTLP_HEADERS_MAX + 2]; /* "Name: value", NULL-ended */
    json_t *resource;                    /* {"attributes": [...]} */
    uint32_t interval_ms, metrics_interval_ms, timeout_ms, drain_ms;
    uint32_t retry_ms, retry_base_ms, retry_max_ms;
    uint32_t quiet_ms; /* between two lines of the log that say such a thing */
    size_t batch;
    int64_t began_ns; /* the server, since the epoch: what its metrics count from */

    struct queue queue;
    pthread_t thread;
    bool running; /* there is a thread */
    bool failing; /* the thread's, as is what follows: so it was said of the last request */
    int64_t said_ms[OTLP_SAID_COUNT]; /* when, clock_mono_ms(); 0: never */

    pthread_mutex_t lock;
    pthread_cond_t woken, ended;
    bool is_full; /* guarded by lock, as is all below: a batch is ready */
    bool stopping, has_ended;
    int64_t stop_ms; /* when nothing more is sent (clock_mono_ms()), once it is stopping */
    struct ein_cancel *cancel; /* fires then */
};

/* resource.c: the attributes of what everything comes from; json_decref. */
int otlp_resource(const struct otlp *otlp, const json_t *config, json_t **ret_resource,
                  struct ein_error *err);
/* Fills otlp->headers. */
int otlp_headers(struct otlp *otlp, const char *text, struct ein_error *err);

/* spans.c, metrics.c: an ExportTraceServiceRequest, an ExportMetricsServiceRequest, as JSON.
 * NULL: no memory, or there is nothing to tell. */
json_t *otlp_spans(const struct otlp *otlp, const struct span *spans);
json_t *otlp_metrics(const struct otlp *otlp);

/* send.c: sends it, again and again where that helps.  False: it is lost. */
bool otlp_send(struct otlp *otlp, const char *url, json_t *take_request);

/* export.c */
int otlp_start(void *otlp, struct ein_error *err);
void otlp_stop(void *otlp);
void otlp_on_span(const struct ein_span_told *told, void *data);
/* Waits until then (clock_mono_ms()); false: that is after the end. */
bool otlp_wait(struct otlp *otlp, int64_t until_ms);
/* How long a request may take that begins now; 0: none may. */
uint32_t otlp_left_ms(struct otlp *otlp);
