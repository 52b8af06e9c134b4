/* SPDX-License-Identifier: Apache-2.0 */
/* One run: the agent that was asked for and those it calls, on the caller's thread. */
#pragma once

#include "runtime.h"
#include "trace.h"
#include "wire.h"

#include <einion/plugin.h>

struct slow_call;

enum slow_lane { SLOW_HTTP, SLOW_LLM, SLOW_MCP, SLOW_LANES }; /* each has its own bounds */

struct agent { /* one execution of one agent's code, in one child */
    struct agent *next;
    struct run *run;
    struct agent *caller; /* NULL: the run's own */
    int64_t call_id;      /* the caller's call that waits for this */
    uint32_t serial;      /* never reused within the run */
    struct speaker speaker;
    const char *agent_id;                    /* whose code it is; NULL: nobody's */
    const struct json_t *imports, *document; /* document: what it declares; may be NULL */
    struct json_t *hosts;                    /* what it declares of these; NULL: not read yet */
    struct child *child;
    struct wire_buffer in, out, raw; /* raw: what bypassed sys.stdout */
    uint64_t raw_lost;               /* bytes of that which are not kept */
    bool ready, started, ended;
    int64_t began_ms;
    uint32_t in_flight;         /* its calls that are not answered */
    size_t held;                /* bytes of memory, about, that its slow calls take here */
    const struct frame *asking; /* the call that is being begun */
    uint32_t uploads;           /* likewise, not among those: requests whose body comes in pieces */
    struct ein_span *span;      /* NULL: nobody records it, or it has ended */
    char place[EIN_TRACEPARENT_SIZE];
};

enum run_stop { STOP_NONE, STOP_TIMEOUT, STOP_CANCELLED, STOP_TRACE };

struct run {
    struct runtime *runtime;
    const struct ein_agent_run *what;
    struct limits limits;
    struct trace trace;
    struct agent *agents;             /* the first is the run's own */
    char place[EIN_TRACEPARENT_SIZE]; /* where its thread is */
    uint32_t agents_made, nested_made, calls_made;
    int64_t deadline_ms;
    enum run_stop stop;

    /* how it ended: `fault` when the code could not be run at all */
    bool done;
    struct json_t *result, *error;
    struct ein_error fault;
    struct json_t *ops_log;

    /* data_store/1, from its first use on */
    const struct ein_service *store;
    struct ein_data_session *session;

    /* calls that take long, each on its own thread */
    struct ein_cancel *cancel; /* fires when the run ends; may be NULL */
    struct slow_call *slow;    /* those that run or wait for their turn */
    uint32_t slow_made[SLOW_LANES], slow_running[SLOW_LANES];
    int wake; /* eventfd: one has finished */
};

/* Does nobody want it any more?  RUN is a struct run, as struct admission_ticket has it. */
bool run_is_cancelled(const void *run);
/* Performs WHAT: fills result or error, or returns an error and fills `err`. */
int run_perform(struct run *run, struct ein_error *err);

/* Lent: what is not sent to the child must outlive the run. */
struct agent_job {
    const char *id, *name, *code;  /* id: as the trace has it, NULL for those called */
    const struct json_t *document; /* what it declares; may be NULL */
    const char *agent_id;          /* NULL: the code is no agent's */
    const struct json_t *input, *tools, *imports;
    const struct json_t *secrets; /* may be NULL */
};
/* In a fresh child: as one more of the run's agents, for CALLER's call, or for nobody's (NULL). */
int agent_start(struct run *run, struct agent *caller, int64_t call_id, const struct agent_job *job,
                struct ein_error *err);
void agent_free(struct agent *agent);

/* What the loop calls; each may end the agent. */
void agent_process(struct agent *agent); /* the frames that are there */
void agent_readable(struct agent *agent);
void agent_writable(struct agent *agent);
void agent_output(struct agent *agent);
bool agent_throttled(const struct agent *agent);
void agent_look(struct agent *agent); /* at its memory, now and then */

void agent_ask_to_stop(struct agent *agent);
/* Ends it, with all it has called: error is {"Type", message, traceback}. */
void agent_fail(struct agent *agent, const char *type, const char *message, const char *traceback);
/* Nobody waits for it any more. */
void agent_abandon(struct agent *agent);

/* Answers to its calls.  An agent that has ended is not told. */
void agent_tell(struct agent *agent, const struct json_t *message, const void *blob,
                size_t blob_len);
void agent_reply(struct agent *agent, int64_t call_id, struct json_t *take_value, const void *blob,
                 size_t blob_len);
void agent_refuse(struct agent *agent, int64_t call_id, const char *type, const char *message);

struct agent *run_agent(const struct run *run, uint32_t serial);
