/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for the world, each on its own thread, answered on the run's. */
#ifndef RUNTIME_SLOW_CALL_H
#define RUNTIME_SLOW_CALL_H

#include "run.h"

/* Starts an HTTP request for `agent`; answers it at once when it is not a proper one. */
void slow_http(struct agent *agent, int64_t call_id, const struct json_t *params, const void *body,
               size_t body_len);
void slow_cancel(struct run *run, uint32_t serial, int64_t call_id);
/* After run->wake: answers what has finished, starts what waited. */
void slow_collect(struct run *run);
/* Cancels all and waits for their threads. */
void slow_end(struct run *run);

#endif
