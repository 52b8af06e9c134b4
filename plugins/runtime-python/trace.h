/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a run, made here: time, name, depth and source are never the child's. */
#pragma once

#include <einion/services.h>
#include <stdbool.h>

enum { TRACE_TEXT_MAX = 4096 /* characters of one text */ };

struct trace {
    const struct ein_host *host;
    ein_trace_sink *sink; /* may be NULL */
    void *data;
    bool muted;          /* nothing of what the agent prints */
    bool stopped;        /* the sink wants no more */
    bool full;           /* no more is taken of what an agent does; the run is to end */
    int64_t bytes_left;  /* of all events, as JSON */
    uint32_t lines_left; /* how much it may still print */
};

struct speaker {           /* who an event is about */
    const char *name, *id; /* id may be NULL */
    unsigned depth;
};

void trace_start(struct trace *trace, const struct speaker *who);
/* `more` bytes were already cut off the text. */
void trace_stdout(struct trace *trace, const struct speaker *who, const char *text, size_t len,
                  uint64_t more);
void trace_log(struct trace *trace, const struct speaker *who, const char *level,
               const char *logger, const char *text, size_t len, uint64_t more);
/* So many bytes were not kept of what was written past Python. */
void trace_lost(struct trace *trace, const struct speaker *who, uint64_t bytes);
/* `entry` is the operation's line in the opsLog. */
void trace_data_store(struct trace *trace, const struct speaker *who, const struct json_t *entry);
struct trace_llm_call {
    const char *provider, *model;
    uint64_t input_tokens, output_tokens;
    int64_t duration_ms, cost; /* in nano-dollars */
    const char *error;         /* NULL: none */
};
void trace_llm(struct trace *trace, const struct speaker *who, const struct trace_llm_call *about);
void trace_error(struct trace *trace, const struct speaker *who, const char *type,
                 const char *message, const char *traceback);
void trace_end(struct trace *trace, const struct speaker *who, int64_t duration_ms, bool success);

/* `text` without secrets and at most so many characters; a new JSON string. */
struct json_t *trace_text(const struct ein_host *host, const char *text, size_t len, uint64_t more);
