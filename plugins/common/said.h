/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

/* What a model says, put together from its pieces. */
struct said {
    size_t max, len; /* bytes that it may have, and has */
    int fault;       /* EIN_E_TOO_LARGE, EIN_E_NO_MEMORY; 0: none */
    struct buf text, thoughts;
    json_t *tool_calls, *sources; /* arrays */
    json_t *parts;                /* of the assistant's message, in order; see said_message() */
    bool needs_message;           /* more than its text is to be sent back */
    struct buf *open;             /* that the last pieces were of; NULL: they were no words */
    size_t begun;                 /* where in it */
};

int said_init(struct said *said, size_t max); /* said_done() in any case */
void said_done(struct said *said);

/* An ein_llm_sink, whose data is a struct said. */
int said_take(const struct ein_llm_piece *piece, void *said);

/* The same for words: KIND is EIN_LLM_TEXT or EIN_LLM_THOUGHT. */
int said_words(struct said *said, int kind, const char *bytes, size_t len);

/* {"role", "content"}: the message that goes on with the conversation, after the last piece.
 * NULL: no memory. */
json_t *said_message(struct said *said);
