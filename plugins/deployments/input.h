/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* What an agent is given where a model would be asked: PARAMETERS (may be NULL), each as SCHEMA,
 * the agent's inputSchema, declares it, and "inputText", the last of MESSAGES that is the user's.
 * INVALID: there is none, or a parameter is not what it has to be. */
int input_make(const json_t *schema, const json_t *parameters, const json_t *messages,
               json_t **ret_input, struct ein_error *err);
