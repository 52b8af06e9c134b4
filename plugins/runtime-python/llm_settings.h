/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever runs an agent has set for its models: the run's llmSettings. */
#pragma once

#include <jansson.h>

/* PARAMETERS (an object, or NULL) as SETTINGS (may be NULL) have them for MODEL, "provider/model":
 * a new object.  NULL: no memory. */
json_t *llm_settings_apply(const json_t *settings, const char *model, const json_t *parameters);
