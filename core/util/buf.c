/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include <einion/plugin.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 128 };

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .max = max };
}

void buf_init_in(struct buf *buf, char *storage, size_t size, size_t max)
{
    *buf = (struct buf){
        .data = storage, .cap = size <= max ? size : max + 1, .max = max, .lent = storage
    };
    storage[0] = '\0';
}

void buf_done(struct buf *buf)
{
    if (!buf->lent)
        free(buf->data);
    *buf = (struct buf){ .max = buf->max };
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->error = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_drop(struct buf *buf, size_t len)
{
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len + 1);
}

/* Nor is `max` passed: `cap` is at most one more, for the NUL. */
static bool fits(const struct buf *buf, size_t more)
{
    return !buf->error && more < buf->cap - buf->len;
}

static int move(struct buf *buf, size_t cap)
{
    char *data = realloc(buf->lent ? NULL : buf->data, cap);

    if (!data)
        return buf->error = EIN_E_NO_MEMORY;
    if (buf->lent)
        memcpy(data, buf->lent, buf->len + 1);
    buf->lent = NULL;
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int buf_reserve(struct buf *buf, size_t more)
{
    size_t cap;

    if (buf->error || fits(buf, more))
        return buf->error;
    if (more > buf->max - buf->len)
        return buf->error = EIN_E_TOO_LARGE;

    cap = buf->cap ? buf->cap : FIRST_CAP;
    while (cap <= buf->len + more && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap > buf->max && buf->max < SIZE_MAX)
        cap = buf->max + 1;

    return move(buf, cap);
}

char *buf_room(struct buf *buf, size_t len)
{
    if (buf_reserve(buf, len) < 0)
        return NULL;

    char *room = buf->data + buf->len;
    buf->len += len;
    buf->data[buf->len] = '\0';
    return room;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
    if (!fits(buf, len) && buf_reserve(buf, len) < 0)
        return buf->error;

    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_char(struct buf *buf, char c)
{
    if (!fits(buf, 1) && buf_reserve(buf, 1) < 0)
        return buf->error;

    buf->data[buf->len++] = c;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    r = buf_vprintf(buf, fmt, args);
    va_end(args);
    return r;
}

int buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
    char small[256];
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(small, sizeof(small), fmt, args);
    if (len < 0) {
        if (!buf->error)
            buf->error = EIN_E_NO_MEMORY;
    } else if ((size_t)len < sizeof(small)) {
        (void)buf_add(buf, small, (size_t)len);
    } else if (buf_reserve(buf, (size_t)len) == 0) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    return buf->error;
}

const char *buf_str(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf, size_t *ret_len)
{
    char *data = NULL;

    if (buf->error || (!buf->data && buf_add(buf, "", 0) < 0) ||
        (buf->lent && move(buf, buf->len + 1) < 0)) {
        buf_done(buf);
        return NULL;
    }

    data = buf->data;
    if (ret_len)
        *ret_len = buf->len;
    buf_init(buf, buf->max);
    return data;
}
