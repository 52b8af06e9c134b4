/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, written from left to right into storage that is used again: a piece of a stream costs
 * no allocation once the storage is large enough for one. */
#pragma once

#include "buf.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void out_init(struct buf *out); /* buf_done() */

/* Each tells what fails in out->error. */
static inline void out_bytes(struct buf *out, const void *data, size_t len)
{
    (void)buf_add(out, data, len);
}
void out_out(struct buf *out, const struct buf *other);
/* As it is; inline, so that the length of what is written here is no work. */
static inline void out_put(struct buf *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}
void out_escaped(struct buf *out, const char *text, size_t len); /* as the inside of a string */
void out_quoted(struct buf *out, const char *text);              /* as a string; NULL: null */
void out_digits(struct buf *out, uint64_t number, int least);    /* at least so many, at most 20 */
static inline void out_number(struct buf *out, uint64_t number)
{
    out_digits(out, number, 1);
}
/* What comes before it as it is. */
static inline void out_put_quoted(struct buf *out, const char *before, const char *text)
{
    out_put(out, before);
    out_quoted(out, text);
}
static inline void out_put_number(struct buf *out, const char *before, uint64_t number)
{
    out_put(out, before);
    out_number(out, number);
}
void out_nano(struct buf *out, int64_t nano); /* billionths as a decimal, exactly: 0.000015 */
void out_json(struct buf *out, const json_t *json);
/* The text of `json` as the inside of a string. */
void out_json_escaped(struct buf *out, const json_t *json);
