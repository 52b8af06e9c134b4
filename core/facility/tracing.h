/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* Spans, and where each thread is among them.  Any thread. */
struct tracing;
struct gate;

typedef void tracing_fn(const struct ein_span_told *span, void *data);

int tracing_new(struct tracing **ret_tracing);
void tracing_free(struct tracing *tracing);

/* on_span is called with the watcher's gate entered. */
int tracing_watch(struct tracing *tracing, struct gate *gate, double share, tracing_fn *on_span,
                  void *data);
void tracing_withdraw(struct tracing *tracing, const struct gate *gate);

/* Some calls to other servers carry the trace on, whether or not anybody watches. */
void tracing_carry_on(struct tracing *tracing, bool carries);
/* Somebody watches, or calls carry the trace on.  tracing NULL: no. */
bool tracing_is_on(const struct tracing *tracing);

/* A request comes in; parent is a traceparent that is in order, or NULL.  Until tracing_leave()
 * the thread is within it.  Of the traces of strangers, too, only our share is recorded. */
struct ein_span *tracing_begin_request(struct tracing *tracing, const char *trace_id,
                                       const char *parent);
/* It has a parent, no span, and is of somebody we know: they decide whether it is recorded.
 * `began_us`, clock_mono_us(), is when it came in. */
struct ein_span *tracing_begin_known(struct tracing *tracing, const char *parent, int64_t began_us);
void tracing_leave(void);

/* ---- struct ein_tracing; see einion/plugin.h ---- */
struct ein_span *tracing_begin(struct tracing *tracing, int kind, const char *name);
void tracing_end(struct ein_span *span, const char *error, struct json_t *take_attributes);
void tracing_where(char ret_traceparent[EIN_TRACEPARENT_SIZE]);
void tracing_enter(const char *traceparent);

/* A name that is known only at the end. */
void tracing_name(struct ein_span *span, const char *name);
/* What a call that is `span`, or is in none, tells its server; "": nothing. */
void tracing_onward(struct tracing *tracing, const struct ein_span *span,
                    char ret_traceparent[EIN_TRACEPARENT_SIZE]);

/* A traceparent header that is in order. */
bool tracing_is_parent(const char *text);
