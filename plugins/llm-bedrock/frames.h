/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* application/vnd.amazon.eventstream, in pieces of any size.  A frame is
 *
 *   u32 total length | u32 length of the headers | u32 CRC of these 8 bytes |
 *   headers | payload | u32 CRC of everything before
 *
 * (big-endian) and a header u8 length, name, u8 type, value. */
enum {
    FRAME_MIN = 16,           /* bytes of a frame without headers and payload */
    FRAME_HEADERS_MAX = 65536 /* bytes */
};

struct frame { /* texts are cut where they are longer; "": there is no such header */
    char message_type[16], event_type[64], exception_type[64], error_code[64], error_message[256];
    const char *payload; /* lent during the call */
    size_t payload_len;
};

typedef int frame_fn(const struct frame *frame, void *data, struct ein_error *err);

struct frames {
    unsigned char *bytes; /* of the frame that is not whole yet */
    size_t len, size;
    size_t max;        /* bytes of a frame */
    unsigned long crc; /* of what has come of it */
    size_t summed;     /* bytes that `crc` is of */
};

void frames_init(struct frames *frames, size_t max);
/* Calls `each` for each frame that is whole now, and returns what it does not return 0 for.
 * UNAVAILABLE: it is none (the text says what it is, "a frame with a wrong checksum"), and nothing
 * more can be read. */
int frames_feed(struct frames *frames, const void *piece, size_t len, frame_fn *each, void *data,
                struct ein_error *err);
void frames_done(struct frames *frames);
