/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vendor.h"

/* A schema for the answer of a model that takes none: it is told to call a tool whose arguments are
 * the answer, and the call comes to the sink as text, whole. */

/* Says the catalog (may be NULL) that this has to be done?  By "reply_schema": "tool" in its wire.
 */
bool reply_tool_is_said(const json_t *settings);

/* Asks for the answer to `call`, which is its own, as the outcome is, and of full size. */
typedef int vendor_ask_fn(const void *self, struct ein_llm_call *call,
                          const struct vendor_sink *sink, struct ein_llm_outcome *outcome,
                          struct ein_error *err);
struct vendor_completion {
    const struct ein_host *host;
    vendor_ask_fn *ask;
    const void *self;
    bool (*by_tool)(
        const struct ein_llm_call *call); /* is this how it has to be asked?  NULL: no */
};
/* As ein_llm_provider.complete. */
int vendor_complete(const struct vendor_completion *how, const struct ein_llm_call *call,
                    const struct vendor_sink *sink, struct ein_llm_outcome *ret_outcome,
                    struct ein_error *err);
