/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* JSON schemas as the vendors of models take them. */

/* A tool's parameters: an object with "properties" and without a choice at its top, which no vendor
 * takes: what is in one branch or another may be given.  PARAMETERS NULL, or no object: none are
 * taken.  json_decref; NULL: no memory. */
json_t *vendor_tool_schema(const json_t *parameters);

/* The same schema as Claude is held to one: every object closed, without the bounds that are
 * refused; they are told in words.  json_decref; NULL: no memory. */
json_t *vendor_closed_schema(const json_t *schema);
/* Has it objects whose members nobody has named?  Closed, they would be empty. */
bool vendor_schema_is_open(const json_t *schema);
