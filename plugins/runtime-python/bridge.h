/* SPDX-License-Identifier: Apache-2.0 */
/* What agent code may ask of the server: one table of methods. */
#pragma once

#include "run.h"

/* Handles one "call" frame.  Who asks is the agent; what the frame says of that counts
 * for nothing.  Answers now or later with agent_reply() or agent_refuse(). */
void bridge_call(struct agent *agent, const struct json_t *message, const void *blob,
                 size_t blob_len);
/* More of the body of a call that it has made; false: more than it may send now. */
bool bridge_body(struct agent *agent, const struct json_t *message, const void *bytes, size_t len);
/* It has used so much of an answer that comes in pieces. */
void bridge_used(struct agent *agent, const struct json_t *message);
/* The child no longer waits for this call. */
void bridge_cancel(struct agent *agent, int64_t call_id);

/* Releases what the run's calls hold. */
void bridge_done(struct run *run);
