/* SPDX-License-Identifier: Apache-2.0 */
/* A run as it is answered: its outcome in one piece, or its trace as server-sent events. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* {"result", "error", "schemaWarnings", "opsLog"} of OUTCOME, in this order; warnings by the
 * agent's OUTPUT_SCHEMA, which may be NULL.  NULL: no memory. */
json_t *run_outcome_show(const json_t *outcome, const json_t *output_schema);

struct run_stream {
    const struct ein_http *http;
    struct ein_req *req;
    const json_t *output_schema; /* may be NULL */
    bool begun;                  /* a piece has been sent: the status is no longer ours to choose */
};

/* An ein_trace_sink; DATA is the stream. */
int run_stream_trace(const json_t *event, void *data);

/* The last event: how the run ended. */
int run_stream_done(struct run_stream *stream, const json_t *outcome);

/* Instead of it: the run has ended without an outcome.  The reply to one that could not be made,
 * where nothing was sent yet. */
int run_stream_fail(struct run_stream *stream, const struct ein_error *err);
