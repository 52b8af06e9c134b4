/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* The messages that ask a model for a demo: what BODY, of POST /demos/generate-code, wants, with
 * the APIs that it selects at ORIGIN.  NULL: no memory. */
json_t *prompt_messages(const json_t *body, const char *origin);

/* Adds what was answered, and that it is wrong for the reason FAULT.  0 or NO_MEMORY. */
int prompt_repair(json_t *messages, const char *answer, const char *fault);
