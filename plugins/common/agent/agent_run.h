/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"
#include <einion/plugin.h>
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

enum { AGENT_RUN_AGENTS_MAX = 256 }; /* that one run may call, all the way down */

/* A run, and what its record says of it.  The caller fills `run` but for struct_size, run_id and
 * agents; in a request also without key_id, request_id, visible and
 * scopes. */
struct agent_order {
    struct ein_agent_run run;
    const char *kind;    /* "code", "rest", "chat", "mcp", "compose", "repeat" */
    bool detached;       /* it goes on when its client has left */
    const char *repeats; /* the id of the run that it repeats; may be NULL */
};

/* ?detach=1 */
#define DETACH_PROPERTIES                                                                          \
    "\"detach\":" SCHEMA(                                                                          \
        { "type" : "boolean", "description" : "The run goes on when its client leaves" })
#define DETACH_QUERY_SCHEMA "{\"type\":\"object\",\"properties\":{" DETACH_PROPERTIES "}}"
bool agent_run_is_detached(const struct ein_http *http, const struct ein_req *req);

/* Runs agent code that may call those of the agents RUN->imports that the caller of REQ may run.
 * 0 when the run has an outcome, however it ended: {"result", "error", "opsLog"}.  An error when
 * the code could not be run at all.  Where there is runs/1 the run is a record there, and its id a
 * header of the reply. */
int agent_run(const struct ein_host *host, struct ein_ctx *ctx, struct ein_req *req,
              const struct agent_order *order, json_t **ret_outcome, struct ein_error *err);

/* Likewise, of those that ORDER->run.visible leaves: a request is not needed. */
int agent_run_as(const struct ein_host *host, struct ein_ctx *ctx, const struct agent_order *order,
                 json_t **ret_outcome, struct ein_error *err);

/* The reply to a run that could not be made. */
int agent_run_fail(const struct ein_http *http, struct ein_req *req, const struct ein_error *err);
