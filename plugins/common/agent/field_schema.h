/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* The JSON Schema of an object as an agent's inputSchema or outputSchema, {field: declared type},
 * declares it: string, integer, float, boolean, list, json; anything else may be anything.  A field
 * may be a schema itself, and so may the whole be.  FIELDS NULL or null: any object.  REQUIRED: all
 * of them are.  NULL: no memory. */
json_t *field_schema(const json_t *fields, bool required);
