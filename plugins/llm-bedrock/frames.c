/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PRELUDE = 12, CRC = 4 };

enum { /* types of a header's value */
       HEADER_TRUE = 0,
       HEADER_FALSE = 1,
       HEADER_BYTES = 6,
       HEADER_TEXT = 7,
       HEADER_TYPES = 10
};

struct cursor {
    const unsigned char *at, *end;
};

void frames_init(struct frames *frames, size_t max)
{
    *frames = (struct frames){ .max = max };
}

void frames_done(struct frames *frames)
{
    free(frames->bytes);
    *frames = (struct frames){ 0 };
}

static uint32_t u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int broken(struct ein_error *err, const char *how)
{
    return error_set(err, EIN_E_UNAVAILABLE, "a frame %s", how);
}

/* ---- headers ---- */

static bool take(struct cursor *from, size_t len, const unsigned char **ret_bytes)
{
    if ((size_t)(from->end - from->at) < len)
        return false;
    *ret_bytes = from->at;
    from->at += len;
    return true;
}

static void keep(struct frame *frame, const unsigned char *name, size_t name_len,
                 const unsigned char *value, size_t len)
{
    const struct {
        const char *name;
        char *text;
        size_t size;
    } kept[] = {
        { ":message-type", frame->message_type, sizeof(frame->message_type) },
        { ":event-type", frame->event_type, sizeof(frame->event_type) },
        { ":exception-type", frame->exception_type, sizeof(frame->exception_type) },
        { ":error-code", frame->error_code, sizeof(frame->error_code) },
        { ":error-message", frame->error_message, sizeof(frame->error_message) },
    };

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (strlen(kept[i].name) != name_len || memcmp(kept[i].name, name, name_len) != 0)
            continue;
        len = len < kept[i].size ? len : kept[i].size - 1;
        memcpy(kept[i].text, value, len);
        kept[i].text[len] = '\0';
    }
}

static bool read_header(struct cursor *from, struct frame *frame)
{
    /* Lengths of the values whose type tells it. */
    static const unsigned char lengths[HEADER_TYPES] = {
        [2] = 1, [3] = 2, [4] = 4, [5] = 8, [8] = 8, [9] = 16
    };
    const unsigned char *byte, *name, *value;
    size_t name_len, len;
    unsigned type;

    if (!take(from, 1, &byte))
        return false;
    name_len = *byte;
    if (name_len == 0 || !take(from, name_len, &name) || !take(from, 1, &byte))
        return false;
    type = *byte;
    if (type >= HEADER_TYPES)
        return false;
    len = lengths[type];
    if (type == HEADER_BYTES || type == HEADER_TEXT) {
        if (!take(from, 2, &byte))
            return false;
        len = (size_t)byte[0] << 8 | byte[1];
    }
    if (!take(from, len, &value))
        return false;
    if (type == HEADER_TEXT)
        keep(frame, name, name_len, value, len);
    return true;
}

/* ---- frames ---- */

/* What the prelude says, once it is there, before anything is kept for it. */
static int check_prelude(const struct frames *frames, struct ein_error *err)
{
    size_t total = u32(frames->bytes), headers = u32(frames->bytes + 4);

    if (crc32(0, frames->bytes, 8) != u32(frames->bytes + 8))
        return broken(err, "whose lengths have a wrong checksum");
    if (total > frames->max)
        return error_set(err, EIN_E_UNAVAILABLE, "a frame of %zu bytes, above the limit of %zu",
                         total, frames->max);
    if (total < FRAME_MIN || headers > FRAME_HEADERS_MAX || headers > total - FRAME_MIN)
        return broken(err, "whose lengths cannot be");
    return 0;
}

static int finish(struct frames *frames, frame_fn *each, void *data, struct ein_error *err)
{
    size_t total = u32(frames->bytes), headers = u32(frames->bytes + 4);
    struct frame frame = { .payload = (const char *)frames->bytes + PRELUDE + headers,
                           .payload_len = total - FRAME_MIN - headers };
    struct cursor from = { frames->bytes + PRELUDE, frames->bytes + PRELUDE + headers };
    unsigned long crc = frames->crc;

    frames->len = frames->summed = 0;
    frames->crc = 0;
    if (crc != u32(frames->bytes + total - CRC))
        return broken(err, "with a wrong checksum");
    while (from.at < from.end)
        if (!read_header(&from, &frame))
            return broken(err, "with headers that cannot be read");
    return each(&frame, data, err);
}

/* The checksum over what is there, without the last four bytes, which are it. */
static void sum(struct frames *frames, size_t total)
{
    size_t until = frames->len < total - CRC ? frames->len : total - CRC;

    frames->crc =
        crc32(frames->crc, frames->bytes + frames->summed, (uInt)(until - frames->summed));
    frames->summed = until;
}

/* Room grows with what comes: a length that is only promised takes no memory. */
static int append(struct frames *frames, const unsigned char *piece, size_t len,
                  struct ein_error *err)
{
    size_t needed = frames->len + len;

    if (needed > frames->size) {
        size_t size = needed < 512 ? 1024 : 2 * needed;
        unsigned char *bigger = realloc(frames->bytes, size);

        if (!bigger)
            return error_no_memory(err);
        frames->bytes = bigger;
        frames->size = size;
    }
    memcpy(frames->bytes + frames->len, piece, len);
    frames->len = needed;
    return 0;
}

int frames_feed(struct frames *frames, const void *piece, size_t len, frame_fn *each, void *data,
                struct ein_error *err)
{
    const unsigned char *at = piece, *end = at + len;
    int r = 0;

    while (r == 0 && at < end) {
        bool whole_prelude = frames->len >= PRELUDE;
        size_t total = whole_prelude ? u32(frames->bytes) : PRELUDE;
        size_t wanted = total - frames->len, given = (size_t)(end - at);
        size_t n = given < wanted ? given : wanted;

        r = append(frames, at, n, err);
        at += n;
        if (r < 0)
            break;
        if (!whole_prelude && frames->len == PRELUDE)
            r = check_prelude(frames, err);
        else if (whole_prelude) {
            sum(frames, total);
            if (frames->len == total)
                r = finish(frames, each, data, err);
        }
    }
    return r;
}
