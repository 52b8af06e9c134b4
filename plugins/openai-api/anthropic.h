/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of POST /v1/messages. */
#pragma once

#include "ask.h"

/* A text, or an array of blocks, as content of completion/1.  `place` is where it stands. */
int anthropic_content(struct asking *asking, json_t *content, const char *place,
                      json_t **ret_content);
