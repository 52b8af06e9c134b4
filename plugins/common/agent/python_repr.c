/* SPDX-License-Identifier: Apache-2.0 */
#include "python_repr.h"
#include "buf.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What str.isprintable() denies: separators but the space, controls, format characters,
 * surrogates and private use. */
static const struct {
    uint32_t first, last;
} unprintable[] = {
    { 0x0000, 0x001f },   { 0x007f, 0x00a0 },   { 0x00ad, 0x00ad },     { 0x0600, 0x0605 },
    { 0x061c, 0x061c },   { 0x06dd, 0x06dd },   { 0x070f, 0x070f },     { 0x0890, 0x0891 },
    { 0x08e2, 0x08e2 },   { 0x1680, 0x1680 },   { 0x180e, 0x180e },     { 0x2000, 0x200f },
    { 0x2028, 0x202f },   { 0x205f, 0x206f },   { 0x3000, 0x3000 },     { 0xd800, 0xf8ff },
    { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb },   { 0x110bd, 0x110bd },   { 0x110cd, 0x110cd },
    { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },   { 0xe0001, 0xe0001 },
    { 0xe0020, 0xe007f }, { 0xf0000, 0xffffd }, { 0x100000, 0x10fffd },
};

static bool is_printable(uint32_t code)
{
    for (size_t i = 0; i < sizeof(unprintable) / sizeof(unprintable[0]); i++)
        if (code >= unprintable[i].first && code <= unprintable[i].last)
            return false;
    return true;
}

static void write_character(struct buf *out, const char *bytes, size_t len, uint32_t code,
                            char quote)
{
    if (code == '\n')
        (void)buf_text(out, "\\n");
    else if (code == '\r')
        (void)buf_text(out, "\\r");
    else if (code == '\t')
        (void)buf_text(out, "\\t");
    else if (code == '\\' || code == (unsigned char)quote)
        (void)buf_printf(out, "\\%c", (char)code);
    else if (is_printable(code))
        (void)buf_add(out, bytes, len);
    else if (code < 0x100)
        (void)buf_printf(out, "\\x%02x", code);
    else if (code < 0x10000)
        (void)buf_printf(out, "\\u%04x", code);
    else
        (void)buf_printf(out, "\\U%08x", code);
}

static void write_text(struct buf *out, const char *text)
{
    const char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';

    (void)buf_char(out, quote);
    for (size_t left = strlen(text), len; left; text += len, left -= len) {
        len = str_utf8_len(text, left);
        len = len ? len : 1;
        write_character(out, text, len, str_utf8_read(text, len), quote);
    }
    (void)buf_char(out, quote);
}

char *python_repr_list(const char *const *texts, size_t count)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    (void)buf_char(&out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            (void)buf_text(&out, ", ");
        write_text(&out, texts[i]);
    }
    (void)buf_char(&out, ']');
    return buf_take(&out, NULL);
}
