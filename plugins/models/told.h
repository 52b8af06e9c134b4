/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider tells is looked at before others, who rely on it, are told. */
#pragma once

#include <einion/services.h>
#include <stddef.h>

/* Tokens that one call may have used, or searches made: who tells of more has miscounted. */
#define TOLD_MAX 1000000000

/* What is wrong with a piece, as in "gave ..."; NULL: nothing. */
const char *told_piece_fault(const struct ein_llm_piece *piece);

/* Its text ends and is UTF-8, or else is none.  What cannot be used or have been paid is as if
 * nobody had said it, and the result is that, as in "says that a call ..."; NULL: there is none. */
const char *told_outcome(struct ein_llm_outcome *outcome);
