/* SPDX-License-Identifier: Apache-2.0 */
/* How whoever asked is told: one answer, or a stream of events. */
#pragma once

#include "composer.h"

/* These return what a handler may: the status that was replied. */
int answer_fail(struct composing *composing, int status, const char *fmt, ...) EIN_PRINTF(3, 4);
int answer_fail_error(struct composing *composing, const struct ein_error *err);
/* 413: so many bytes are more than prompt_bytes. */
int answer_too_much(struct composing *composing, size_t len);
int answer_send(struct composing *composing, json_t *take_answer);

/* How far it is: "asking", "checking", "rehearsing", "repairing"; faults may be NULL.  Nothing
 * where nobody follows.  0, or CANCELLED: they have gone. */
int answer_progress(struct composing *composing, const char *state, unsigned attempt,
                    const json_t *faults);
/* A piece of what the model says: "text" or "thought". */
int answer_piece(struct composing *composing, const char *event, const char *text);
