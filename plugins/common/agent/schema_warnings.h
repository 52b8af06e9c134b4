/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* What is wrong with RESULT by the output schema of an agent, {field: declared type}, in
 * sentences: a new array, or JSON null when nothing is or SCHEMA is NULL, null or empty.
 * NULL: no memory. */
json_t *schema_warnings(const json_t *result, const json_t *schema);
