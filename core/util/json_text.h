/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* Why a text is not JSON, in the words of the service whose API we serve. */
struct json_fault {
    size_t offset; /* in characters, not bytes */
    char text[96]; /* "Expecting value", ... */
};

/* Strict JSON (RFC 8259) that is safe on a small stack: nothing deeper than max_depth, no more than
 * max_values, each of which takes up to a hundred times its text in memory; no duplicate member
 * names, UTF-8, no NUL in strings.  NULL: see *ret_fault (may be NULL). */
json_t *json_text_parse_within(const char *text, size_t len, size_t max_depth, size_t max_values,
                               struct json_fault *ret_fault);
/* The same of a text whose writer is trusted to that. */
json_t *json_text_parse(const char *text, size_t len, size_t max_depth,
                        struct json_fault *ret_fault);

/* The value that *text begins with, which is moved behind it; NULL: it is none. */
json_t *json_text_value(const char **text, const char *end, size_t max_depth);

/* Compact UTF-8, order of members kept; free().  NULL: no memory, or not representable. */
char *json_text_dump(const json_t *json, size_t *ret_len);
