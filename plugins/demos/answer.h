/* SPDX-License-Identifier: Apache-2.0 */
/* What a model answers that was asked for a demo: untrusted text that has to be one JSON object. */
#pragma once

#include <jansson.h>
#include <stddef.h>

enum { ANSWER_FAULT_SIZE = 200 };

/* *ret_code is {"html", "css", "js"}, three texts of at most MAX bytes together.  INVALID: the
 * answer is no such object, and `ret_fault` says what is wrong with it, for the model. */
int answer_parse(const char *text, size_t len, size_t max, json_t **ret_code,
                 char ret_fault[ANSWER_FAULT_SIZE]);
