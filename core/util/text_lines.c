/* SPDX-License-Identifier: Apache-2.0 */
#include "text_lines.h"

#include <einion/plugin.h>
#include <string.h>

void text_lines_init(struct text_lines *lines, enum text_lines_ends ends, size_t max,
                     text_lines_fn *on_line, void *data)
{
    *lines = (struct text_lines){ .on_line = on_line, .data = data, .ends = ends };
    buf_init(&lines->partial, max);
}

void text_lines_done(struct text_lines *lines)
{
    buf_done(&lines->partial);
}

static int give(const struct text_lines *lines, const char *text, size_t len)
{
    if (lines->ends == TEXT_LINES_LF && len && text[len - 1] == '\r')
        len--;
    return lines->on_line(lines->data, text, len);
}

/* The line ends with these bytes.  Most lines come whole: they are not copied. */
static int line_ends(struct text_lines *lines, const char *text, size_t len)
{
    int r;

    if (!lines->partial.len)
        return len > lines->partial.max ? EIN_E_TOO_LARGE : give(lines, text, len);
    r = buf_add(&lines->partial, text, len);
    if (r == 0)
        r = give(lines, lines->partial.data, lines->partial.len);
    buf_clear(&lines->partial);
    return r;
}

/* Where the line at `at` ends.  *lf is the next LF from there on, which is looked for once. */
static const char *find_end(const struct text_lines *lines, const char *at, const char *end,
                            const char **lf)
{
    const char *cr = NULL;

    if (!*lf || *lf < at)
        *lf = memchr(at, '\n', (size_t)(end - at));
    if (!*lf)
        *lf = end;
    if (lines->ends == TEXT_LINES_ANY)
        cr = memchr(at, '\r', (size_t)(*lf - at));
    return cr ? cr : *lf;
}

int text_lines_feed(struct text_lines *lines, const void *piece, size_t len)
{
    const char *at = piece, *end = at + len, *lf = NULL;
    int r = 0;

    if (len && lines->after_cr && *at == '\n')
        at++;
    lines->after_cr = lines->after_cr && len == 0;
    while (at < end && r == 0) {
        const char *stop = find_end(lines, at, end, &lf);

        if (stop == end)
            return buf_add(&lines->partial, at, (size_t)(end - at));
        r = line_ends(lines, at, (size_t)(stop - at));
        lines->after_cr = *stop == '\r' && stop + 1 == end;
        at = stop + (*stop == '\r' && stop + 1 < end && stop[1] == '\n' ? 2 : 1);
    }
    return r;
}

int text_lines_end(struct text_lines *lines)
{
    return lines->partial.len ? line_ends(lines, "", 0) : 0;
}
