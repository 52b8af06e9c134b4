/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"

#include <jansson.h>

enum { DETAILS_MAX = 1000 };

/* reasoning_details, whose texts come in pieces, as they are to be sent back. */
struct detail {
    json_t *members;   /* all but the text */
    const char *field; /* "text", "summary" or "data"; NULL: none */
    struct buf text;
};
struct details {
    struct detail *list;
    size_t count;
    size_t text_max;
};

void details_init(struct details *details, size_t text_max);
void details_done(struct details *details);

/* One of delta.reasoning_details.  NO_MEMORY, TOO_LARGE. */
int details_add(struct details *details, const json_t *delta);
/* The array; json_decref; NULL: no memory. */
json_t *details_json(const struct details *details);

/* The part of one that people may read; NULL: it has none. */
const json_t *details_text(const json_t *delta);
