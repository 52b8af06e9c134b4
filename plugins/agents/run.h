/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_H
#define RUN_H

#include "agent_run.h"
#include "agents.h"

/* The run that the body of REQ, by RUN_CODE_SCHEMA, asks for; all in it is lent by REQ.  0, or
 * the status that was replied. */
int run_read(const struct agents *agents, struct ein_req *req, struct agent_order *ret_order);

#endif
