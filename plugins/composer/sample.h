/* SPDX-License-Identifier: Apache-2.0 */
/* Values that fit a schema.  JSON in, JSON out: nothing here knows a server. */
#pragma once

#include <jansson.h>

/* What an agent takes or returns, by {field: declared type}; an empty object for none.  NULL: no
 * memory. */
json_t *sample_of_fields(const json_t *fields);

/* What fits a JSON Schema: its example, default or constant, or else made from its types.  `whole`
 * is what local references are looked up in.  NULL: no memory. */
json_t *sample_of_schema(const json_t *schema, const json_t *whole);

/* What is wrong with `value`, the arguments of a call, by a JSON Schema of an object, as a
 * sentence; NULL: nothing.  Looks at its members, not into them. */
json_t *sample_fault(const json_t *schema, const json_t *value);
