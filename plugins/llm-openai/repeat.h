/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPENAI_REPEAT_H
#define OPENAI_REPEAT_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>

/* The chunks of an answer are mostly the same but for the text in them: what is known of one need
 * not be read again in the next. */

enum { REPEAT_MAX = 4096 }; /* bytes of a chunk that is remembered */

struct repeat {
    struct buf chunk;  /* the last that was nothing but text; empty: there was none */
    char first[512];   /* where it lies: few are longer */
    size_t head, tail; /* bytes of it before and behind the text */
};

void repeat_init(struct repeat *repeat);
void repeat_done(struct repeat *repeat);

/* CHUNK is what JSON was read from; it is remembered if its only news is a text. */
void repeat_learn(struct repeat *repeat, const char *chunk, size_t len, const json_t *json);
/* The text of a chunk that is otherwise as the last one; json_decref.  NULL: it is to be read. */
json_t *repeat_text(const struct repeat *repeat, const char *chunk, size_t len);

#endif
