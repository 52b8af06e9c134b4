/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between the server and a child: u32 length of the JSON, u32 length of the
 * blob (little-endian), the JSON, the blob. */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

enum { WIRE_HEAD = 8 };

struct frame { /* points into the reader's bytes */
    const char *json, *blob;
    size_t json_len, blob_len;
    size_t len; /* of all of it */
};

/* 1 and the first frame of `data`; 0 if more bytes are needed; TOO_LARGE when the
 * frame will be over `max` bytes, INVALID when it carries no JSON. */
int wire_frame(const void *data, size_t len, size_t max, struct frame *ret_frame,
               struct ein_error *err);

/* The frame's JSON, an object.  Nothing nested deeper than `depth`, or of more than `values`, is
 * even parsed. */
int wire_json(const struct frame *frame, unsigned depth, size_t values, struct json_t **ret_json,
              struct ein_error *err);

struct wire_buffer { /* bytes on their way, in or out */
    char *bytes;
    size_t start, end, size, max;
};

void wire_buffer_free(struct wire_buffer *buffer);
size_t wire_buffer_len(const struct wire_buffer *buffer);
/* Room for `len` more bytes at the end; NULL: over the maximum, or no memory. */
char *wire_buffer_room(struct wire_buffer *buffer, size_t len);
void wire_buffer_drop(struct wire_buffer *buffer, size_t len);

/* Appends a frame; TOO_LARGE or NO_MEMORY leave the buffer as it was. */
int wire_append(struct wire_buffer *buffer, const struct json_t *json, const void *blob,
                size_t blob_len, struct ein_error *err);
