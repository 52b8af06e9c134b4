/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "schema.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct schema *schema, enum schema_mode mode, const json_t *value)
{
    json_t *result = NULL, *faults = NULL, *again = NULL;
    int r = schema_check(schema, mode, "body", value, &result, &faults);

    if (r < 0 && r != EIN_E_NO_MEMORY && json_array_size(faults) == 0)
        abort();
    /* What was taken is taken again, as it is. */
    if (r == 0 && mode == SCHEMA_REPLY &&
        (schema_check(schema, mode, "body", result, &again, &faults) < 0 ||
         !json_equal(result, again)))
        abort();
    json_decref(result);
    json_decref(again);
    json_decref(faults);
}

/* Input: {"schema": ..., "value": ...} */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_fault fault;
    struct ein_error err;
    struct schema *schema;
    json_t *json = json_text_parse((const char *)data, size, 64, &fault), *value, *before;

    value = json_object_get(json, "value");
    if (!value || schema_compile_json(json_object_get(json, "schema"), &schema, &err) < 0) {
        json_decref(json);
        return 0;
    }
    before = json_deep_copy(value);
    for (int mode = SCHEMA_REQUEST; mode <= SCHEMA_REPLY; mode++)
        check(schema, (enum schema_mode)mode, value);
    if (!json_equal(before, value))
        abort();
    json_decref(before);
    schema_free(schema);
    json_decref(json);
    return 0;
}
