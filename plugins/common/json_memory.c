/* SPDX-License-Identifier: Apache-2.0 */
#include "json_memory.h"

#include <string.h>

/* What jansson and malloc take beside names and texts. */
enum {
    BYTES_PER_OBJECT = 224,
    BYTES_PER_MEMBER = 80,
    BYTES_PER_ARRAY = 128,
    BYTES_PER_ITEM = 16,
    BYTES_PER_TEXT = 64,
    BYTES_PER_NUMBER = 32
};

size_t json_memory(const json_t *value)
{
    size_t bytes = 0, i;
    const char *name;
    json_t *child;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, name, child) bytes +=
            BYTES_PER_MEMBER + strlen(name) + json_memory(child);
        return bytes + BYTES_PER_OBJECT;
    case JSON_ARRAY:
        json_array_foreach(value, i, child) bytes += BYTES_PER_ITEM + json_memory(child);
        return bytes + BYTES_PER_ARRAY;
    case JSON_STRING:
        return BYTES_PER_TEXT + json_string_length(value);
    case JSON_INTEGER:
    case JSON_REAL:
        return BYTES_PER_NUMBER;
    default:
        return 0;
    }
}
