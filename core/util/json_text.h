/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;

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

/* VALUE, which is finite, as Python's repr() has it: the fewest digits that read back the same, an
 * exponent below 1e-4 and from 1e16 on, else a point.  Its length. */
enum { JSON_REAL_SIZE = 32 };
size_t json_text_real(double value, char out[JSON_REAL_SIZE]);
/* TEXT as the inside of a string.  False: it is not UTF-8, and was added as it is. */
bool json_text_escape(struct buf *out, const char *text, size_t len);
