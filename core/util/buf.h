/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Growing bytes with a maximum at birth, always followed by a NUL that is not counted.  The
 * first failure sticks: add freely, then ask buf->error once. */
struct buf {
    char *data; /* NULL until something was added */
    size_t len, cap, max;
    int error;  /* 0, EIN_E_TOO_LARGE or EIN_E_NO_MEMORY */
    char *lent; /* see buf_init_in(); NULL: `data` is the buffer's own */
};

void buf_init(struct buf *buf, size_t max);
/* In storage of the caller's, at most `max` bytes, for as long as that is enough. */
void buf_init_in(struct buf *buf, char *storage, size_t size, size_t max);
void buf_done(struct buf *buf); /* frees; may be used again after buf_init() */
#define EIN_BUF  __attribute__((cleanup(buf_done)))
#define BUF_INIT { .max = SIZE_MAX } /* which each EIN_BUF begins with */
void buf_clear(struct buf *buf);
void buf_drop(struct buf *buf, size_t len); /* the first so many, of those there are */

/* Each returns buf->error. */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_text(struct buf *buf, const char *text);
int buf_char(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for so many more, so that adding them does not move what is there. */
int buf_reserve(struct buf *buf, size_t more);
/* `len` more bytes, which the caller writes at once; NULL: buf->error. */
char *buf_room(struct buf *buf, size_t len);
int buf_vprintf(struct buf *buf, const char *fmt, va_list args);

/* What there is, "" for nothing. */
const char *buf_str(const struct buf *buf);
/* The caller frees the result ("" if nothing was added); NULL after an error.  ret_len may be
 * NULL.  The buffer is empty afterwards. */
char *buf_take(struct buf *buf, size_t *ret_len);
