/* SPDX-License-Identifier: Apache-2.0 */
/* RemoteMCPClient: mcp_client/1, for the run's user. */
#pragma once

#include "run.h"

/* "mcp.list" {"url", "token"} -> the tools; "mcp.call" with "tool" and "args" -> its result. */
void mcp_call(struct agent *agent, int64_t call_id, const char *method,
              const struct json_t *params);
