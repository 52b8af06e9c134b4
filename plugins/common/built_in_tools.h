/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <jansson.h>

/* The configuration of the tool NAME of a model, as the catalog has them; NULL: it has none. */
const json_t *built_in_tool(const json_t *model, const char *name);

/* What the vendor of a model does itself, such as a search: WANTED is an array of the catalog's
 * ids, or of configurations already.  Appends their configurations to TOOLS, for CALL to
 * COMPLETION, and to NOTES (may be NULL) a sentence for each that the model does not have.
 * NOT_FOUND: there is no such model. */
int built_in_tools_find(const struct ein_service *completion,
                        const struct ein_completion_call *call, const json_t *wanted, json_t *tools,
                        json_t *notes, struct ein_error *err);
