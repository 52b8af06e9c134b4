/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <jansson.h>

/* The model that the body of a request names by `modelConfig` (see provider_config.h) and
 * `builtInTools`, to write something for the caller. */

/* "provider/model"; NULL: no memory. */
json_t *asked_model_name(const json_t *body);

/* The tools of BODY for CALL: its list, or the one of the configuration.  Else like
 * built_in_tools_find(). */
int asked_model_tools(const struct ein_service *completion, const struct ein_completion_call *call,
                      const json_t *body, json_t *tools, json_t *notes, struct ein_error *err);

/* The status for the caller where the model could not be asked and CODE was returned.  What the
 * caller can mend is theirs, the rest the vendor's; a vendor's 401 would read as one of ours. */
int asked_model_status(const struct ein_completion_outcome *outcome, int code);
