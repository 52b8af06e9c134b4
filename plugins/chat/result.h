/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run.h"

/* What the ticket of RUN shows of its pieces and of how the call ended.  NOTES (may be NULL) stand
 * before those of the outcome.  NULL: no memory. */
json_t *result_make(const struct run *run, const struct ein_completion_outcome *outcome,
                    const json_t *notes);
