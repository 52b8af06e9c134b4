/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "json_known.h"

/* Most chunks of an answer tell a text, why it ends, or what it used, and no more: that much is
 * read of them without making all of them JSON.  Mostly they are the same but for the text: what is
 * known of one is not read again in the next. */

enum { CHUNK_MAX = 4096 }; /* bytes of one that is remembered */

struct chunk {
    struct buf last;   /* that was nothing but text; empty: there was none */
    char first[512];   /* where it lies: few are longer */
    size_t head, tail; /* bytes of it up to the text and its quotes, and behind */
};

void chunk_init(struct chunk *chunk);
void chunk_done(struct chunk *chunk);

enum chunk_member {
    CHUNK_ID = 1,
    CHUNK_MODEL,
    CHUNK_INDEX,
    CHUNK_CONTENT,
    CHUNK_REASON,
    CHUNK_INPUT,
    CHUNK_OUTPUT,
    CHUNK_TOTAL,
    CHUNK_CACHED,
    CHUNK_REASONING,
    CHUNK_MEMBERS
};

/* Into TOLD[CHUNK_MEMBERS], see json_known_read().  False: it is to be read as a whole. */
bool chunk_read(struct chunk *chunk, const char *text, size_t len, struct json_found *told);
