/* SPDX-License-Identifier: Apache-2.0 */
/* A rehearsal: somebody else answers what the code asks of the world. */
#pragma once

#include "run.h"

/* Answers the call with what the run's stand_in says of it; nothing else is reached. */
void stand_in_call(struct agent *agent, int64_t call_id, const char *method,
                   const struct json_t *params, const void *body, size_t body_len);
