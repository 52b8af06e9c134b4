/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>

/* An enum ein_llm_fault as a small number. */
#define FAULT(fault) ((fault) / 100)
enum { FAULTS = FAULT(EIN_LLM_FAULT_UNREACHABLE) + 1 };
extern const char *const fault_names[FAULTS];

/* complete() of struct ein_completion. */
int completion_complete(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                        void *data, struct ein_completion_outcome *ret, struct ein_error *err);

/* embed(), likewise. */
int completion_embed(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink,
                     void *data, struct ein_completion_outcome *ret, struct ein_error *err);
