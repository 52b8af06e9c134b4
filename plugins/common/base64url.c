/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char url_alphabet[] = LETTERS_AND_DIGITS "-_";
static const char plain_alphabet[] = LETTERS_AND_DIGITS "+/";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

unsigned char *base64url_decode(const char *text, size_t len, size_t *ret_len)
{
    unsigned char *bytes = malloc(len / 4 * 3 + 3), *at = bytes;
    uint32_t bits = 0;
    int count = 0; /* of the bits that wait */

    if (!bytes)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            goto fail;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *at++ = (unsigned char)(bits >> count);
            bits &= (1u << count) - 1;
        }
    }
    /* Six bits are no byte; what is left of a whole one must be zero, or two texts would be one. */
    if (count == 6 || bits)
        goto fail;
    *at = '\0';
    *ret_len = (size_t)(at - bytes);
    return bytes;
fail:
    free(bytes);
    return NULL;
}

static char *encode(const void *data, size_t len, const char *alphabet, bool padded)
{
    const unsigned char *bytes = data;
    char *text = malloc(len / 3 * 4 + 5), *at = text;
    uint32_t bits = 0;
    int count = 0;

    if (!text)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (count += 8; count >= 6;) {
            count -= 6;
            *at++ = alphabet[bits >> count & 63];
        }
    }
    if (count)
        *at++ = alphabet[bits << (6 - count) & 63];
    while (padded && (at - text) % 4)
        *at++ = '=';
    *at = '\0';
    return text;
}

char *base64url_encode(const void *data, size_t len)
{
    return encode(data, len, url_alphabet, false);
}

char *base64url_encode_padded(const void *data, size_t len)
{
    return encode(data, len, url_alphabet, true);
}

char *base64_encode(const void *data, size_t len)
{
    return encode(data, len, plain_alphabet, true);
}
