/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLY_TOOL_H
#define REPLY_TOOL_H

#include "vendor.h"

/* A schema for the answer of a model that takes none: it is told to call a tool whose arguments are
 * the answer, and the call comes to the sink as text, whole. */
struct reply_tool {
    const struct ein_host *host;
    struct vendor_sink sink; /* the caller's */
    json_t *tools, *choice;  /* of the call; NULL: nothing was changed */
    bool answered, called;   /* the answer came; and calls of other tools */
};

/* Says the catalog (may be NULL) that this has to be done?  By "reply_schema": "tool" in its wire.
 */
bool reply_tool_is_said(const json_t *settings);
/* Changes `call`, which stays so until reply_tool_done(), if it has a schema that a tool can have.
 */
int reply_tool_init(struct reply_tool *tool, const struct ein_host *host,
                    const struct vendor_sink *sink, struct ein_llm_call *call,
                    struct ein_error *err);
/* What takes pieces in place of the caller's sink; its data is the struct reply_tool. */
ein_llm_sink reply_tool_sink;
/* The answer is no call to the caller. */
void reply_tool_end(const struct reply_tool *tool, struct ein_llm_outcome *outcome);
void reply_tool_done(struct reply_tool *tool);

#endif
