/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Tokens of one call, and searches, as struct ein_llm_outcome counts them. */
struct usage {
    uint64_t input, cached, cache_write, output, reasoning, cache_hour, searches;
};

/* How much is sent. */
struct size {
    uint64_t bytes;  /* of text, names and JSON */
    uint64_t pieces; /* messages, parts, tools: each costs some tokens of its own */
    uint64_t images;
    uint64_t tokens; /* that were sent as such */
    size_t inputs;   /* to embed, each with a window of its own; 0: it is one conversation */
    bool open;       /* files and what tools of the vendor find: nobody knows how much that is */
};

void size_messages(const json_t *messages, struct size *size);
void size_inputs(const json_t *inputs, struct size *size); /* texts, arrays of tokens */
void size_json(const json_t *json, struct size *size);     /* may be NULL */

/* Never fewer than a vendor counts: a token is at least one byte. */
uint64_t size_bound(const struct size *size, uint64_t image_tokens, uint64_t max_input);
/* About as many as a vendor counts. */
uint64_t size_estimate(const struct size *size);
uint64_t usage_estimate(uint64_t bytes); /* of text */
