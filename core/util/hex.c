/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include <string.h>

/* Digits are made by arithmetic: which entry of a table a key reads shows in the caches. */
static char digit_of(unsigned nibble)
{
    return (char)(nibble + '0' + (((9 - nibble) >> 8) & ('a' - '0' - 10)));
}

void hex_encode(const void *bytes, size_t len, char *ret_text)
{
    const unsigned char *in = bytes;

    for (size_t i = 0; i < len; i++) {
        *ret_text++ = digit_of(in[i] >> 4);
        *ret_text++ = digit_of(in[i] & 15);
    }
    *ret_text = '\0';
}

static int nibble_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_digit(char c)
{
    return nibble_of(c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c);
}

bool hex_decode(const char *text, void *ret_bytes, size_t len)
{
    unsigned char *out = ret_bytes;

    if (!text || strlen(text) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = nibble_of(text[2 * i]), low = nibble_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
