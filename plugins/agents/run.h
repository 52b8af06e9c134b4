/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent_run.h"
#include "agents.h"

/* Makes the run, and answers its outcome and its trace in one piece, or as server-sent events. */
int run_reply_whole(const struct agents *agents, struct ein_req *req, struct agent_order *order,
                    const struct json_t *output_schema);
int run_reply_stream(const struct agents *agents, struct ein_req *req, struct agent_order *order,
                     const struct json_t *output_schema);
