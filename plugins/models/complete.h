/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>

#define FAULT_BIT(fault) (1u << ((fault) / 100)) /* of an enum ein_llm_fault */

/* complete() of struct ein_completion. */
int completion_complete(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                        void *data, struct ein_completion_outcome *ret, struct ein_error *err);

/* embed(), likewise. */
int completion_embed(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                     void *data, struct ein_completion_outcome *ret, struct ein_error *err);
