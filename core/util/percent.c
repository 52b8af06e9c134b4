/* SPDX-License-Identifier: Apache-2.0 */
#include "percent.h"

#include "hex.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

char *percent_encode(const char *text, const char *allowed)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    char *encoded = malloc(3 * strlen(text) + 1), *at = encoded;

    if (!encoded)
        return NULL;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (strchr(unreserved, c) || strchr(allowed, c)) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    *at = '\0';
    return encoded;
}

long percent_decode(char *text, size_t len)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

            if (low < 0)
                return -1;
            c = (char)(high << 4 | low);
            i += 2;
        }
        text[out++] = c;
    }

    if (!str_is_utf8(text, out))
        return -1;
    if (out < len)
        text[out] = '\0';
    return (long)out;
}
