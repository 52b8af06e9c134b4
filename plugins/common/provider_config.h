/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"
#include <jansson.h>

/* Which model to ask, and how: what sessions keep and agents name.  The members but for `type`,
 * and the whole. */
/* clang-format off */
#define PROVIDER_CONFIG_MEMBERS                                                                    \
    SCHEMA("title": "ProviderConfig",                                                              \
           "required": ["provider", "model", "parameters"],                                        \
           "properties": {                                                                         \
               "provider": {"type": "string", "maxLength": 256},                                                     \
               "model": {"type": "string", "maxLength": 256},                                                        \
               "parameters": {"type": "object", "additionalProperties": true},                     \
               "builtInTool": {"type": ["string", "null"], "maxLength": 256, "default": null}                        \
           })
/* clang-format on */
#define PROVIDER_CONFIG_SCHEMA "{\"type\": \"object\", " PROVIDER_CONFIG_MEMBERS "}"

/* What is wrong with `config`, a ProviderConfig: NULL, or a new 422 fault for the list that
 * fail_json() sends, at `loc` (an array such as ["body"]), with `input` as what came. */
json_t *provider_config_fault(const json_t *config, const json_t *loc, const json_t *input);
