/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes from an agent's process, in pieces of any size: the frame reader. */
#include "cleanup.h"
#include "wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_MAX = 4096, DEPTH = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0;
    const char *key;
    json_t *one;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return 0;
    json_object_foreach((json_t *)value, key, one) deepest =
        depth_of(one) > deepest ? depth_of(one) : deepest;
    json_array_foreach((json_t *)value, i, one) deepest =
        depth_of(one) > deepest ? depth_of(one) : deepest;
    return deepest + 1;
}

static void check_frame(const struct wire_buffer *in, const struct frame *frame)
{
    const char *begin = in->bytes + in->start;

    if (frame->len > wire_buffer_len(in) || frame->len > FRAME_MAX + WIRE_HEAD ||
        frame->json != begin + WIRE_HEAD || frame->json_len == 0 ||
        frame->blob + frame->blob_len != begin + frame->len)
        abort();
}

/* False once the bytes are of no use. */
static bool read_frames(struct wire_buffer *in)
{
    struct frame frame;
    int r;

    while ((r = wire_frame(in->bytes + in->start, wire_buffer_len(in), FRAME_MAX, &frame, NULL)) >
           0) {
        EIN_JSON json_t *message = NULL;
        check_frame(in, &frame);
        if (wire_json(&frame, DEPTH, SIZE_MAX, &message, NULL) < 0)
            return false;
        if (!json_is_object(message) || depth_of(message) > DEPTH)
            abort();
        wire_buffer_drop(in, frame.len);
        if (wire_buffer_len(in) == 0)
            return true;
    }
    return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_buffer in = { .max = FRAME_MAX + WIRE_HEAD };
    size_t piece = size ? 1 + data[0] : 1;

    for (size_t at = size ? 1 : 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        char *room = wire_buffer_room(&in, len);
        if (!room)
            break;
        memcpy(room, data + at, len);
        in.end += len;
        if (!read_frames(&in))
            break;
    }
    wire_buffer_free(&in);
    return 0;
}
