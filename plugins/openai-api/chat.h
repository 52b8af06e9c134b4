/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of POST /v1/chat/completions, and in part of /v1/responses. */
#pragma once

#include "ask.h"

/* Appends them to asking->ask->messages. */
int chat_messages(struct asking *asking, json_t *messages);

/* A part as chat completions have it: a new reference; NULL: none says the same, or no memory. */
typedef json_t *chat_as(json_t *part);

/* What somebody, or a tool, says: a text, or an array of parts, which AS (may be NULL) makes those
 * of chat completions; `place` is where it stands in the message.  *ret_content: the same in the
 * form of completion/1. */
int chat_content(const struct asking *asking, json_t *content, const char *place, chat_as *as,
                 json_t **ret_content);

/* custom.c: tools that are functions to the model, and what they are called there.  `tool` has its
 * own name, `name` is that of the function. */
int chat_alias(struct ask *ask, const json_t *tool, const char *space, bool custom,
               const json_t *name);
int chat_custom(struct asking *asking, const json_t *tool, const json_t *name);
/* The arguments of a call of a custom tool. */
int chat_custom_input(const struct asking *asking, const json_t *call, const char *place,
                      json_t **ret_given);

/* The form of the answer, by its type and SCHEMA (may be NULL). */
int chat_format(const struct asking *asking, const json_t *format, json_t *schema,
                const char *param);
int chat_effort(struct asking *asking, json_t *effort); /* nothing, if it is no text */

/* tool_choice (may be NULL), after the tools. */
int chat_choice(struct asking *asking, json_t *choice);
