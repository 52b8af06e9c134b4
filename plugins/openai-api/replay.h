/* SPDX-License-Identifier: Apache-2.0 */
/* What a vendor wants back with its thoughts, as one text that any client carries: Anthropic's own
 * signatures stay what they are, all else is "einion." and base64url. */
#pragma once

#include <jansson.h>

/* In the replay of a thought: it is that of the call with this id. */
#define REPLAY_CALL "call"

/* free(); NULL: no memory. */
char *replay_text(const json_t *replay);
/* NULL: no memory, it is not one of ours and says nothing, or has more than *values_left, off which
 * its values are taken. */
json_t *replay_read(const char *text, size_t *values_left);
