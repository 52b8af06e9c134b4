/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of POST /v1/responses. */
#pragma once

#include "chat.h"

/* The function that a search for tools is to the model, where the client makes it. */
#define RESPONSES_SEARCH "tool_search"

/* Appends what an item of the input says to asking->ask->messages. */
int responses_item(struct asking *asking, json_t *item);

/* responses_tools.c: "tools" and "tool_choice"; those of an item additional_tools, before. */
int responses_tools(struct asking *asking, const json_t *body);
int responses_more_tools(struct asking *asking, json_t *item);
/* What the model calls the tool of a call: its name, behind that of its namespace; a new reference,
 * or NULL. */
json_t *responses_tool_name(const json_t *item);
