/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include "str.h"

#include <einion/plugin.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LEN = 1 + 8 + 2 };

static void put_big_endian(unsigned char *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)value;
}

/* Rounding keeps order, so numbers are told apart first by the nearest double and
 * then by how far an integer lies from it (at most 512). */
static void put_number(unsigned char *out, double nearest, int distance)
{
    uint64_t bits;

    if (nearest == 0)
        nearest = 0; /* minus zero is zero */
    memcpy(&bits, &nearest, sizeof(bits));
    bits = bits >> 63 ? ~bits : bits | (UINT64_C(1) << 63);

    out[0] = KEY_NUMBER;
    put_big_endian(out + 1, bits, 8);
    put_big_endian(out + 9, (uint64_t)(distance + 0x8000), 2);
}

static int distance_from(int64_t value, double nearest)
{
    if (nearest == 0x1p63) /* the one that does not fit int64_t */
        return (int)((uint64_t)value - (UINT64_C(1) << 63));
    return (int)(value - (int64_t)nearest);
}

int key_copy(const void *data, size_t len, struct key *ret_key)
{
    unsigned char *copy = malloc(len ? len : 1);

    if (!copy)
        return EIN_E_NO_MEMORY;
    memcpy(copy, data, len);
    *ret_key = (struct key){ copy, len };
    return 0;
}

static int make_text(const json_t *text, struct key *ret_key)
{
    size_t len = json_string_length(text);
    unsigned char *data = malloc(1 + len + 1); /* the next character may be longer */

    if (!data)
        return EIN_E_NO_MEMORY;
    data[0] = KEY_TEXT;
    memcpy(data + 1, json_string_value(text), len);
    *ret_key = (struct key){ data, 1 + len };
    return 0;
}

int key_make(const json_t *value, struct key *ret_key)
{
    unsigned char number[NUMBER_LEN];
    json_int_t integer;

    if (!value)
        return key_copy(&(unsigned char){ KEY_NULL }, 1, ret_key);

    switch (json_typeof(value)) {
    case JSON_NULL:
        return key_copy(&(unsigned char){ KEY_NULL }, 1, ret_key);
    case JSON_FALSE:
        return key_copy(&(unsigned char){ KEY_FALSE }, 1, ret_key);
    case JSON_TRUE:
        return key_copy(&(unsigned char){ KEY_TRUE }, 1, ret_key);
    case JSON_INTEGER:
        integer = json_integer_value(value);
        put_number(number, (double)integer, distance_from(integer, (double)integer));
        return key_copy(number, sizeof(number), ret_key);
    case JSON_REAL:
        put_number(number, json_real_value(value), 0);
        return key_copy(number, sizeof(number), ret_key);
    case JSON_STRING:
        return make_text(value, ret_key);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return key_copy(&(unsigned char){ KEY_OTHER }, 1, ret_key);
}

/* The last character of the LEN bytes that begin at TEXT, and *len without it. */
static uint32_t take_last(const unsigned char *text, size_t *len)
{
    uint32_t c = 0;
    int shift = 0;

    for (; *len > 2 && (text[*len - 1] & 0xc0) == 0x80 && shift < 18; shift += 6)
        c |= (uint32_t)(text[--*len] & 0x3f) << shift;
    return c | (uint32_t)(text[--*len] & (shift ? 0x3f >> shift / 6 : 0x7f)) << shift;
}

/* UTF-8 sorts as its characters do, and what compares text may take nothing else. */
int key_make_past_prefix(const json_t *text, struct key *ret_key)
{
    enum { LAST = 0x10ffff, BEFORE_SURROGATES = 0xd7ff, BEHIND_SURROGATES = 0xe000 };
    int r = make_text(text, ret_key);
    uint32_t last = LAST;

    if (r < 0)
        return r;
    while (ret_key->len > 1 && last >= LAST)
        last = take_last(ret_key->data, &ret_key->len);
    if (last < LAST)
        ret_key->len += str_utf8_write(last == BEFORE_SURROGATES ? BEHIND_SURROGATES : last + 1,
                                       (char *)ret_key->data + ret_key->len);
    else
        ret_key->data[0]++;
    return 0;
}

void key_done(struct key *key)
{
    free(key->data);
    *key = (struct key){ 0 };
}

int key_compare(const struct key *a, const struct key *b)
{
    int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

enum key_tag key_tag(const struct key *key)
{
    return (enum key_tag)key->data[0];
}
