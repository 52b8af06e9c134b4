/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGIN_LINES_H
#define PLUGIN_LINES_H

#include "bytes.h"

#include <stdbool.h>

/* Lines out of pieces that end anywhere, as in application/x-ndjson. */

/* TEXT is lent, not NUL-ended, and has no line end.  Non-zero ends the feeding, and is returned. */
typedef int lines_fn(void *data, const char *text, size_t len);

enum lines_ends {
    LINES_LF, /* LF, CRLF */
    LINES_ANY /* also CR alone */
};

struct lines {
    lines_fn *on_line;
    void *data;
    enum lines_ends ends;
    bool after_cr;        /* a LF belongs to the line before */
    struct bytes partial; /* of a line that has not ended */
};

/* A line has at most `max` bytes. */
void lines_init(struct lines *lines, enum lines_ends ends, size_t max, lines_fn *on_line,
                void *data);
void lines_done(struct lines *lines);

/* 0, TOO_LARGE, NO_MEMORY, or what on_line() returned. */
int lines_feed(struct lines *lines, const void *piece, size_t len);
/* A last line may lack its end. */
int lines_end(struct lines *lines);

#endif
