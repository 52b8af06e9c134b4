/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of events is the same in whatever pieces it comes; the first byte is their size. */
#include "sse.h"

#include <einion/plugin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t hash;
    size_t count;
};

static void hash(struct seen *seen, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        seen->hash = (seen->hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    seen->hash = (seen->hash ^ 0x100) * 0x100000001b3u;
}

static int on_event(void *data, const char *event, char *text, size_t len)
{
    struct seen *seen = data;

    if (len > EVENT_MAX || text[len] != '\0' || !*event)
        abort();
    hash(seen, event, strlen(event));
    hash(seen, text, len);
    seen->count++;
    return 0;
}

static int on_line(void *data, const char *text, size_t len)
{
    if (len > EVENT_MAX || memchr(text, '\n', len))
        abort();
    hash(data, text, len);
    return 0;
}

static int feed_events(const char *text, size_t len, size_t size, struct seen *seen)
{
    struct sse sse;
    int r = 0;

    sse_init(&sse, EVENT_MAX, on_event, seen);
    for (size_t at = 0; at < len && r == 0; at += size)
        r = sse_feed(&sse, text + at, len - at < size ? len - at : size);
    sse_done(&sse);
    return r;
}

static int feed_lines(const char *text, size_t len, size_t size, struct seen *seen)
{
    struct text_lines lines;
    int r = 0;

    text_lines_init(&lines, TEXT_LINES_LF, EVENT_MAX, on_line, seen);
    for (size_t at = 0; at < len && r == 0; at += size)
        r = text_lines_feed(&lines, text + at, len - at < size ? len - at : size);
    if (r == 0)
        r = text_lines_end(&lines);
    text_lines_done(&lines);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = { 0 }, pieces = { 0 }, whole_lines = { 0 }, pieces_lines = { 0 };
    const char *text = (const char *)data + 1;
    size_t piece = size ? data[0] % 17 + 1u : 1;
    int a, b;

    if (size < 2)
        return 0;
    a = feed_events(text, size - 1, size, &whole);
    b = feed_events(text, size - 1, piece, &pieces);
    if (a != b || whole.hash != pieces.hash || whole.count != pieces.count)
        abort();
    a = feed_lines(text, size - 1, size, &whole_lines);
    b = feed_lines(text, size - 1, piece, &pieces_lines);
    if (a != b || whole_lines.hash != pieces_lines.hash)
        abort();
    return 0;
}
