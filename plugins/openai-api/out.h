/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, written from left to right into storage that is used again: a piece of a stream costs
 * no allocation once the storage is large enough for one. */
#ifndef OUT_H
#define OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out { /* zero is an empty one */
    char *data;
    size_t len, cap;
    bool failed; /* out of memory: sticks until out_clear() */
};

void out_done(struct out *out);
void out_clear(struct out *out); /* keeps the storage */

void out_bytes(struct out *out, const void *data, size_t len);
void out_put(struct out *out, const char *text); /* as it is */
void out_out(struct out *out, const struct out *other);
void out_escaped(struct out *out, const char *text, size_t len); /* as the inside of a string */
void out_quoted(struct out *out, const char *text);              /* as a string; NULL: null */
void out_number(struct out *out, uint64_t number);
void out_nano(struct out *out, int64_t nano); /* billionths as a decimal, exactly: 0.000015 */
void out_json(struct out *out, const json_t *json);
/* The text of `json` as the inside of a string. */
void out_json_escaped(struct out *out, const json_t *json);

#endif
