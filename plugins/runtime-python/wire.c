/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"
#include "cleanup.h"
#include "error.h"
#include "json_depth.h"
#include "json_text.h"

#include <endian.h>
#include <string.h>

static uint32_t read_u32(const char *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

int wire_frame(const void *data, size_t len, size_t max, struct frame *ret_frame,
               struct ein_error *err)
{
    const char *bytes = data;

    if (len < WIRE_HEAD)
        return 0;
    uint32_t json_len = read_u32(bytes), blob_len = read_u32(bytes + 4);
    uint64_t body = (uint64_t)json_len + blob_len;

    if (json_len == 0)
        return error_set(err, EIN_E_INVALID, "a message without content");
    if (body > max)
        return error_set(err, EIN_E_TOO_LARGE, "a message of %llu bytes (limit %zu)",
                         (unsigned long long)body, max);
    if (len - WIRE_HEAD < body)
        return 0;
    *ret_frame = (struct frame){ .json = bytes + WIRE_HEAD,
                                 .blob = bytes + WIRE_HEAD + json_len,
                                 .json_len = json_len,
                                 .blob_len = blob_len,
                                 .len = WIRE_HEAD + (size_t)body };
    return 1;
}

int wire_json(const struct frame *frame, unsigned depth, size_t values, struct json_t **ret_json,
              struct ein_error *err)
{
    json_error_t at;
    json_t *json;

    if (json_more_values_than(frame->json, frame->json_len, values))
        return error_set(err, EIN_E_TOO_LARGE, "JSON of more than %zu values", values);
    json = json_text_parse(frame->json, frame->json_len, depth, NULL);
    if (!json && json_deeper_than(frame->json, frame->json_len, depth))
        return error_set(err, EIN_E_TOO_LARGE, "JSON nested deeper than %u levels", depth);
    if (!json)
        json = json_loadb(frame->json, frame->json_len, JSON_ALLOW_NUL, &at);
    if (!json)
        return error_set(err, EIN_E_INVALID, "a message that is not JSON: %s", at.text);
    if (!json_is_object(json)) {
        json_decref(json);
        return error_set(err, EIN_E_INVALID, "a message that is not an object");
    }
    *ret_json = json;
    return 0;
}

void wire_buffer_free(struct wire_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct wire_buffer){ .max = buffer->max };
}

size_t wire_buffer_len(const struct wire_buffer *buffer)
{
    return buffer->end - buffer->start;
}

char *wire_buffer_room(struct wire_buffer *buffer, size_t len)
{
    size_t used = wire_buffer_len(buffer);

    if (len > buffer->max - used)
        return NULL;
    if (buffer->start && buffer->size - buffer->end < len) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, used);
        buffer->start = 0;
        buffer->end = used;
    }
    if (buffer->size - buffer->end < len) {
        size_t size = buffer->size ? buffer->size : 1024;
        while (size < used + len)
            size *= 2;
        char *bytes = realloc(buffer->bytes, size);
        if (!bytes)
            return NULL;
        buffer->bytes = bytes;
        buffer->size = size;
    }
    return buffer->bytes + buffer->end;
}

void wire_buffer_drop(struct wire_buffer *buffer, size_t len)
{
    buffer->start += len;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}

int wire_append(struct wire_buffer *buffer, const struct json_t *json, const void *blob,
                size_t blob_len, struct ein_error *err)
{
    EIN_FREE char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return error_no_memory(err);

    size_t json_len = strlen(text), len = WIRE_HEAD + json_len + blob_len;
    if (json_len > UINT32_MAX || blob_len > UINT32_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "a message of %zu bytes", len);
    char *room = wire_buffer_room(buffer, len);
    if (!room)
        return error_set(err, EIN_E_TOO_LARGE, "%zu bytes wait to be read (limit %zu)",
                         wire_buffer_len(buffer) + len, buffer->max);

    uint32_t head[2] = { htole32((uint32_t)json_len), htole32((uint32_t)blob_len) };
    memcpy(room, head, WIRE_HEAD);
    memcpy(room + WIRE_HEAD, text, json_len);
    if (blob_len)
        memcpy(room + WIRE_HEAD + json_len, blob, blob_len);
    buffer->end += len;
    return 0;
}
