/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include <einion/plugin.h>
#include <einion/services.h>
#include <jansson.h>

enum { AGENT_RUN_AGENTS_MAX = 256 }; /* that one run may call, all the way down */

/* Runs agent code that may call those of the agents RUN->imports that the caller of REQ may run.
 * The caller fills RUN but for struct_size, run_id and agents.  0 when the run has an outcome,
 * however it ended: {"result", "error", "opsLog"}.  An error when the code could not be run at all.
 */
int agent_run(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
              const struct ein_agent_run *run, json_t **ret_outcome, struct ein_error *err);

/* Likewise, of those that VISIBLE leaves, as http->visible() has it: a request is not needed. */
int agent_run_as(const struct ein_host *host, struct ein_ctx *ctx, const json_t *visible,
                 const struct ein_agent_run *run, json_t **ret_outcome, struct ein_error *err);

/* The reply to a run that could not be made. */
int agent_run_fail(const struct ein_http *http, struct ein_req *req, const struct ein_error *err);

#endif
