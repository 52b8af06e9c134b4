/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* The JSON Schema subset we promise, compiled once, checked often.  Immutable: any thread.
 *
 * Understood: type (one, or an array of one and "null"), properties, required,
 * additionalProperties (true, or a schema), items, enum, const, pattern (POSIX extended),
 * minLength, maxLength, minItems, maxItems, minimum, maximum, exclusiveMinimum, default,
 * anyOf; title, description, format, examples, writeOnly and x-... are passed on to OpenAPI.
 * Anything else is refused when it is compiled. */
struct schema;

int schema_compile(const char *text, struct schema **ret_schema, struct ein_error *err);
int schema_compile_json(const json_t *json, struct schema **ret_schema, struct ein_error *err);
void schema_free(struct schema *schema);
const json_t *schema_json(const struct schema *schema); /* as written, lent */
/* Whether one of the members of what it describes is writeOnly: a secret, which no fault repeats. */
bool schema_takes_secrets(const struct schema *schema);

enum schema_mode {
    SCHEMA_REQUEST, /* camelCase or snake_case, values coerced, unknown members dropped */
    SCHEMA_QUERY,   /* the same, from text values: {"limit": "10"} */
    SCHEMA_CONFIG,  /* the schema's spelling, no coercion but of ${VAR} text; unknown members are
                       faults */
    SCHEMA_REPLY    /* exact: nothing coerced, nothing dropped, unknown members are faults
                       unless additionalProperties says so */
};

/* Checks `value` (lent, not changed) and builds what the handler sees in *ret_value, with
 * defaults.  Parts of `value` may be in it by reference: whoever changes it copies first.
 * 0, or EIN_E_INVALID and *ret_faults: the whole list in the API's form,
 * [{"type", "loc", "msg", "input", "ctx"?}], `loc` beginning with `place` ("body", "query"). */
int schema_check(const struct schema *schema, enum schema_mode mode, const char *place,
                 const json_t *value, json_t **ret_value, json_t **ret_faults);

/* The whole list of faults that a missing body is, and that text which is not JSON is. */
json_t *schema_fault_no_body(void);
json_t *schema_fault_not_json(size_t offset, const char *text);
