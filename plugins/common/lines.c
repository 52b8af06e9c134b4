/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <einion/plugin.h>
#include <string.h>

void lines_init(struct lines *lines, enum lines_ends ends, size_t max, lines_fn *on_line,
                void *data)
{
    *lines = (struct lines){ .on_line = on_line, .data = data, .ends = ends };
    bytes_init(&lines->partial, max);
}

void lines_done(struct lines *lines)
{
    bytes_done(&lines->partial);
}

static int give(const struct lines *lines, const char *text, size_t len)
{
    if (lines->ends == LINES_LF && len && text[len - 1] == '\r')
        len--;
    return lines->on_line(lines->data, text, len);
}

/* The line ends with these bytes.  Most lines come whole: they are not copied. */
static int line_ends(struct lines *lines, const char *text, size_t len)
{
    int r;

    if (!lines->partial.len)
        return len > lines->partial.max ? EIN_E_TOO_LARGE : give(lines, text, len);
    r = bytes_add(&lines->partial, text, len);
    if (r == 0)
        r = give(lines, lines->partial.data, lines->partial.len);
    bytes_clear(&lines->partial);
    return r;
}

int lines_feed(struct lines *lines, const void *piece, size_t len)
{
    const char *at = piece, *end = at + len, *start = at;
    int r = 0;

    for (; at < end && r == 0; at++) {
        bool lf = *at == '\n', cr = *at == '\r' && lines->ends == LINES_ANY;

        if (lf && lines->after_cr)
            start = at + 1;
        else if (lf || cr) {
            r = line_ends(lines, start, (size_t)(at - start));
            start = at + 1;
        }
        lines->after_cr = cr;
    }
    return r != 0 ? r : bytes_add(&lines->partial, start, (size_t)(end - start));
}

int lines_end(struct lines *lines)
{
    return lines->partial.len ? line_ends(lines, "", 0) : 0;
}
