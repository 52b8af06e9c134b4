/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "request.h"
#include "vendor.h"

/* One instance of the plugin, the impl of its llm_provider/1.  const after init. */
struct anthropic {
    struct vendor vendor;
    const char *version; /* of the API; lent by the settings */
    char *beta;          /* "a,b"; NULL: none */
    struct anthropic_rules rules;
    uint32_t continuations; /* of one answer that the vendor pauses */
};

/* complete.c: as llm_provider/1 has it. */
int anthropic_complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                       struct ein_llm_outcome *ret_outcome, struct ein_error *err);
