/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How a Claude model is to think, whoever serves it. */
enum thinking_kind {
    THINKING_UNSAID, /* nothing is sent */
    THINKING_OFF,
    THINKING_ADAPTIVE, /* the model decides how much */
    THINKING_BUDGET
};

struct thinking {
    enum thinking_kind kind;
    int64_t budget;      /* tokens, below max_tokens */
    const char *effort;  /* lent from the parameters, or constant; NULL: unsaid */
    const char *display; /* "summarized", "omitted"; NULL: unsaid */
};

/* Has the model no choice but to call a tool?  Then it may not think.  TOOL_CHOICE may be NULL. */
bool thinking_forced(const json_t *tool_choice);
/* From reasoning_effort, thinking_budget and show_thinking, and from supports_thinking,
 * supports_effort, returns_thoughts and wire.thinking ("adaptive" or "budget") of the model's
 * entry in the catalog (may be NULL).  `possible`: may this request think at all? */
void thinking_plan(const json_t *parameters, const json_t *settings, int64_t max_tokens,
                   bool possible, struct thinking *ret_thinking);
bool thinking_on(const struct thinking *thinking);
/* {"type": ...} as the Messages API has it; json_decref.  NULL: unsaid, or no memory. */
json_t *thinking_json(const struct thinking *thinking);

/* What is sent as max_tokens: the parameter, else the catalog's default for the model, else what
 * the model can give at most, else `otherwise`. */
int64_t thinking_max_tokens(const json_t *parameters, const json_t *settings, int64_t otherwise);
