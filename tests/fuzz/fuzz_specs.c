/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI documents.  Whatever one says, what is read of it stays within the limits. */
#include "read.h"

#include <string.h>

enum { OVERHEAD = 4096, OPERATION_BYTES = 1024 };

static const struct spec_limits limits = { .text_bytes = 1 << 20,
                                           .nodes = 5000,
                                           .depth = 32,
                                           .operations = 20,
                                           .schema_bytes = 2000,
                                           .total_bytes = 20000,
                                           .schema_depth = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_operation(const json_t *operation)
{
    const char *id = text_member(operation, "operationId");

    if (!*id || strlen(id) > 64 || *text_member(operation, "path") != '/' ||
        !json_is_object(json_object_get(operation, "parameters")) ||
        !json_is_array(json_object_get(operation, "security")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *spec = NULL;
    struct ein_error err = { 0 };
    EIN_FREE char *text = NULL;
    const json_t *operations, *one;
    size_t i;

    if (spec_read((const char *)data, size, "https://example.org/a/b?c", &limits, &spec, NULL,
                  &err) < 0) {
        if (!*err.text)
            abort();
        return 0;
    }
    operations = json_object_get(spec, "operations");
    if (json_array_size(operations) > limits.operations ||
        json_array_size(json_object_get(spec, "notes")) > NOTES_MAX)
        abort();
    json_array_foreach(operations, i, one) check_operation(one);
    text = json_dumps(spec, JSON_COMPACT);
    /* Escapes, keys and braces come on top of what is counted; the title is the document's own. */
    if (!text || strlen(text) > 8 * (limits.total_bytes + size) + OVERHEAD +
                                    limits.operations * OPERATION_BYTES)
        abort();
    return 0;
}
