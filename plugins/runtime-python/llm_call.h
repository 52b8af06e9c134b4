/* SPDX-License-Identifier: Apache-2.0 */
/* call_llm() and get_context_window(): completion/1, for the run's user. */
#pragma once

#include "run.h"

/* {"provider", "model", "messages", "parameters", "tools", "built_in_tools": ids or configurations,
 * "tool_choice", "reply_schema", "timeout": seconds} -> {"content", "thoughts", "tool_calls",
 * "message"} */
void llm_call(struct agent *agent, int64_t call_id, const struct json_t *params);

/* {"provider", "model"} -> the model's context window, or null */
void llm_window(struct agent *agent, int64_t call_id, const struct json_t *params);
