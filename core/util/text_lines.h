/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"

#include <stdbool.h>

/* Lines out of pieces that end anywhere, as in application/x-ndjson. */

/* TEXT is lent, not NUL-ended, and has no line end.  Non-zero ends the feeding, and is returned. */
typedef int text_lines_fn(void *data, const char *text, size_t len);

enum text_lines_ends {
    TEXT_LINES_LF, /* LF, CRLF */
    TEXT_LINES_ANY /* also CR alone */
};

struct text_lines {
    text_lines_fn *on_line;
    void *data;
    enum text_lines_ends ends;
    bool after_cr;      /* a LF belongs to the line before */
    struct buf partial; /* of a line that has not ended */
};

/* A line has at most `max` bytes. */
void text_lines_init(struct text_lines *lines, enum text_lines_ends ends, size_t max,
                     text_lines_fn *on_line, void *data);
void text_lines_done(struct text_lines *lines);

/* 0, TOO_LARGE, NO_MEMORY, or what on_line() returned. */
int text_lines_feed(struct text_lines *lines, const void *piece, size_t len);
/* A last line may lack its end. */
int text_lines_end(struct text_lines *lines);
