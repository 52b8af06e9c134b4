/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include <string.h>

enum {
    PIECE_TOKENS = 16, /* of a message's role, of a part's and a tool's frame */
    BYTES_A_TOKEN = 4, /* on the average */
    IMAGE_ESTIMATE = 1000,
    SCALAR_BYTES = 24 /* of a number, and more than true, false and null */
};

/* ---- what is sent ---- */

static void size_object(const json_t *object, struct size *size)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        size->bytes += strlen(name) + 4;
        size_json(value, size);
    }
}

void size_json(const json_t *json, struct size *size)
{
    const json_t *value;
    size_t i;

    if (json_is_string(json)) {
        size->bytes += json_string_length(json) + 2;
    } else if (json_is_object(json)) {
        size_object(json, size);
    } else if (json_is_array(json)) {
        json_array_foreach(json, i, value)
        {
            size->pieces++;
            size_json(value, size);
        }
    } else if (json) {
        size->bytes += SCALAR_BYTES;
    }
}

static void size_content(const json_t *content, struct size *size);

static void size_part(const json_t *part, struct size *size)
{
    const char *type = json_string_value(json_object_get(part, "type"));

    size->pieces++;
    if (type && strcmp(type, "image") == 0) {
        size->images++;
    } else if (type && strcmp(type, "file") == 0) {
        size->open = true;
    } else if (type && strcmp(type, "tool_result") == 0) {
        size_content(json_object_get(part, "content"), size);
        size->bytes += json_string_length(json_object_get(part, "id"));
    } else {
        size_json(part, size);
    }
}

static void size_content(const json_t *content, struct size *size)
{
    const json_t *part;
    size_t i;

    size->bytes += json_string_length(content);
    json_array_foreach(content, i, part) size_part(part, size);
}

void size_messages(const json_t *messages, struct size *size)
{
    const json_t *message;
    size_t i;

    json_array_foreach(messages, i, message)
    {
        size->pieces++;
        size_content(json_object_get(message, "content"), size);
    }
}

void size_inputs(const json_t *inputs, struct size *size)
{
    const json_t *input;
    size_t i;

    size->inputs = json_array_size(inputs);
    json_array_foreach(inputs, i, input)
    {
        size->pieces++;
        size->bytes += json_string_length(input);
        size->tokens += json_array_size(input);
    }
}

/* ---- in tokens ---- */

uint64_t size_bound(const struct size *size, uint64_t image_tokens, uint64_t max_input)
{
    uint64_t bound = size->tokens + size->bytes + (size->pieces + 1) * PIECE_TOKENS +
                     size->images * image_tokens;

    if (size->inputs > 1)
        max_input *= size->inputs;
    return max_input && (size->open || bound > max_input) ? max_input : bound;
}

uint64_t usage_estimate(uint64_t bytes)
{
    return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN;
}

uint64_t size_estimate(const struct size *size)
{
    return size->tokens + usage_estimate(size->bytes) + size->images * IMAGE_ESTIMATE;
}
