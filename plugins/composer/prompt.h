/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "composer.h"

/* Fills composing->messages with what the model is told at first: how agents are written, what this
 * one may call, and what it is to do.  0, NO_MEMORY, or TOO_LARGE: more than prompt_max, and
 * *ret_len is how much. */
int prompt_begin(struct composing *composing, size_t *ret_len);

/* Adds its answer, and what is wrong with that.  0 or NO_MEMORY. */
int prompt_repair(struct composing *composing, const json_t *faults);
