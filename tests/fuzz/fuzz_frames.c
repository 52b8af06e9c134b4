/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of frames: bytes in two pieces say what they say in one; and, where the first byte is
 * odd, a frame with right checksums around what follows, of which the second byte says how much are
 * headers. */
#include "frames.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FRAME_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t frames;
    unsigned long sum;
};

static int on_frame(const struct frame *frame, void *data, struct ein_error *err)
{
    struct seen *seen = data;

    (void)err;
    seen->frames++;
    seen->sum = crc32(seen->sum, (const unsigned char *)frame->payload, (uInt)frame->payload_len);
    seen->sum =
        crc32(seen->sum, (const unsigned char *)frame->event_type, (uInt)strlen(frame->event_type));
    return 0;
}

static int feed(const uint8_t *data, size_t size, size_t cut, struct seen *seen)
{
    struct frames frames;
    int r;

    frames_init(&frames, FRAME_MAX);
    r = frames_feed(&frames, data, cut, on_frame, seen, NULL);
    if (r == 0)
        r = frames_feed(&frames, data + cut, size - cut, on_frame, seen, NULL);
    if (frames.size > 4 * FRAME_MAX + 1024)
        abort();
    frames_done(&frames);
    return r;
}

static void put(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, sizeof(value));
}

static size_t wrap(const uint8_t *data, size_t size, size_t headers, uint8_t *frame)
{
    size_t total = FRAME_MIN + size;

    put(frame, (uint32_t)total);
    put(frame + 4, (uint32_t)(headers < size ? headers : size));
    put(frame + 8, (uint32_t)crc32(0, frame, 8));
    memcpy(frame + 12, data, size);
    put(frame + 12 + size, (uint32_t)crc32(0, frame, (uInt)(12 + size)));
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t frame[FRAME_MAX + FRAME_MIN];
    struct seen whole = { 0 }, halves = { 0 };
    int r;

    if (size >= 2 && data[0] & 1 && size - 2 <= FRAME_MAX) {
        size = wrap(data + 2, size - 2, data[1], frame);
        data = frame;
    }
    r = feed(data, size, size, &whole);
    for (size_t cut = 0; cut < size; cut += 1 + size / 7) {
        halves = (struct seen){ 0 };
        if (feed(data, size, cut, &halves) != r || halves.frames != whole.frames ||
            halves.sum != whole.sum)
            abort();
    }
    return 0;
}
