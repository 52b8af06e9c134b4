/* SPDX-License-Identifier: Apache-2.0 */
#include "str.h"
#include <endian.h>
#include <stdio.h>
#include <string.h>

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_eq_case(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

size_t str_token(const char *text)
{
    static const char marks[] = "!#$%&'*+.^_`|~";
    const char *at = text;

    while (is_lower(*at) || is_upper(*at) || *at == '-' || is_digit(*at) ||
           (*at && strchr(marks, *at)))
        at++;
    return (size_t)(at - text);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);

    return len >= suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

bool str_only(const char *text, const char *allowed)
{
    return *text && !text[strspn(text, allowed)];
}

bool str_has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *str_trim(const char *text, size_t *len)
{
    for (; *len > 0 && is_white(*text); text++)
        (*len)--;
    while (*len > 0 && is_white(text[*len - 1]))
        (*len)--;
    return text;
}

bool str_eq_secret(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    volatile unsigned char differs = a_len != b_len;

    for (size_t i = 0; i < a_len; i++)
        differs |= (unsigned char)(a[i] ^ (b_len ? b[i % b_len] : 1));
    return !differs;
}

size_t str_utf8_len(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char second_min = 0x80, second_max = 0xbf;
    size_t need;

    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;

    need = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (need > len)
        return 0;
    if (s[0] == 0xe0)
        second_min = 0xa0; /* shorter forms exist */
    else if (s[0] == 0xed)
        second_max = 0x9f; /* surrogates */
    else if (s[0] == 0xf0)
        second_min = 0x90;
    else if (s[0] == 0xf4)
        second_max = 0x8f; /* above U+10FFFF */

    if (s[1] < second_min || s[1] > second_max)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

uint32_t str_utf8_read(const char *text, size_t len)
{
    static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t character = (unsigned char)text[0] & first[len];

    for (size_t i = 1; i < len; i++)
        character = character << 6 | ((unsigned char)text[i] & 0x3f);
    return character;
}

size_t str_utf8_write(uint32_t character, char out[4])
{
    unsigned more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;

    out[0] = (char)(more ? 0xff00 >> (more + 1) | character >> 6 * more : character);
    for (unsigned i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (character >> 6 * (more - i) & 0x3f));
    return 1 + more;
}

size_t str_count(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

bool str_is_utf8(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint64_t word;
        size_t step;

        /* Eight bytes at a time while they are ASCII and none is NUL. */
        if (len - i >= sizeof(word)) {
            memcpy(&word, text + i, sizeof(word));
            if (!(word & UINT64_C(0x8080808080808080)) &&
                !((word - UINT64_C(0x0101010101010101)) & UINT64_C(0x8080808080808080))) {
                i += sizeof(word);
                continue;
            }
        }
        step = text[i] ? str_utf8_len(text + i, len - i) : 0;
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The highest bit of each byte that is below `least` (at most 0x80), or is not ASCII; and perhaps
 * of those above the lowest of them. */
static uint64_t bytes_below(uint64_t bytes, unsigned char least)
{
    return (bytes - EACH_BYTE(least)) & EACH_BYTE(0x80);
}

size_t str_plain_len(const char *text, size_t len)
{
    size_t at = 0;

    for (; len - at >= 8; at += 8) {
        uint64_t bytes, special;

        memcpy(&bytes, text + at, sizeof(bytes));
        bytes = le64toh(bytes);
        special = (bytes & EACH_BYTE(0x80)) | bytes_below(bytes, 0x20) |
                  bytes_below(bytes ^ EACH_BYTE('"'), 1) | bytes_below(bytes ^ EACH_BYTE('\\'), 1);
        if (special)
            return at + (size_t)__builtin_ctzll(special) / 8;
    }
    while (at < len && (unsigned char)(text[at] - 0x20) < 0x60 && text[at] != '"' &&
           text[at] != '\\')
        at++;
    return at;
}

bool str_to_snake(const char *camel, char *out, size_t size)
{
    size_t at = 0;
    bool changed = false;

    for (const char *p = camel; *p; p++) {
        if (is_upper(*p) && p > camel) {
            if (at + 1 >= size)
                return false;
            out[at++] = '_';
            changed = true;
        }
        if (at + 1 >= size)
            return false;
        out[at++] = p > camel ? (char)lower(*p) : *p;
    }
    if (size == 0)
        return false;
    out[at] = '\0';
    return changed;
}

bool str_to_camel(const char *snake, char *out, size_t size)
{
    size_t at = 0;
    bool changed = false;

    for (const char *p = snake; *p; p++) {
        char c = *p;

        if (c == '_' && p > snake && p[-1] != '_' && (is_lower(p[1]) || is_digit(p[1]))) {
            p++;
            c = is_lower(*p) ? (char)(*p - ('a' - 'A')) : *p;
            changed = true;
        }
        if (at + 1 >= size)
            return false;
        out[at++] = c;
    }
    if (size == 0)
        return false;
    out[at] = '\0';
    return changed;
}

enum { NEAR_MAX = 63 };

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b, letters of either case
 * being equal. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned char rows[3][NEAR_MAX + 1];
    unsigned char *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = (unsigned char)j;

    for (size_t i = 1; i <= a_len; i++) {
        unsigned char *spare = before;

        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            unsigned best = last[j - 1] + !same;

            if (last[j] + 1u < best)
                best = last[j] + 1u;
            if (row[j - 1] + 1u < best)
                best = row[j - 1] + 1u;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1u < best)
                best = before[j - 2] + 1u;
            row[j] = (unsigned char)best;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b_len];
}

const char *str_nearest(const char *typed, const char *const *words)
{
    size_t typed_len = strlen(typed);
    unsigned best = NEAR_MAX;
    const char *nearest = NULL;

    if (typed_len == 0 || typed_len > NEAR_MAX)
        return NULL;

    for (; *words; words++) {
        size_t len = strlen(*words), longer = len > typed_len ? len : typed_len;
        unsigned edits;

        if (len == 0 || len > NEAR_MAX)
            continue;
        edits = distance(typed, typed_len, *words, len);
        /* A third of the letters may be wrong; more, and it was another word. */
        if (edits < best && edits <= (longer + 2) / 3 && edits < longer) {
            best = edits;
            nearest = *words;
        }
    }
    return nearest;
}

bool str_to_u64(const char *text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (!is_digit(*text) || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (unsigned)(*text - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

/* The low bits, by which slots are chosen, depend on all. */
static uint64_t stir(uint64_t hash, uint64_t bytes)
{
    hash = (hash ^ bytes) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

uint64_t str_hash(const char *text)
{
    return str_hash_bytes(text, strlen(text));
}

uint64_t str_hash_bytes(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ len, bytes;

    for (; len >= sizeof(bytes); text += sizeof(bytes), len -= sizeof(bytes)) {
        memcpy(&bytes, text, sizeof(bytes));
        hash = stir(hash, bytes);
    }
    bytes = 0;
    memcpy(&bytes, text, len);
    return stir(hash, bytes);
}

int str_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void str_copy(char *to, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(to, text, len);
    to[len] = '\0';
}

int str_cut(const char *text, int max)
{
    size_t len = strnlen(text, (size_t)max);

    while (text[len] != '\0' && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return (int)len;
}

void str_clean(char *text)
{
    size_t len = strlen(text), kept = 0, step;

    if (str_is_utf8(text, len))
        return;
    for (size_t at = 0; at < len; at += step ? step : 1) {
        step = str_utf8_len(text + at, len - at);
        memmove(text + kept, text + at, step);
        kept += step;
    }
    text[kept] = '\0';
}

void str_vformat(char *to, size_t size, const char *fmt, va_list args)
{
    size_t plain = strcspn(fmt, "%");

    if (fmt[plain] == '\0' && plain < size) { /* as most are, and printf() is a long way round */
        memcpy(to, fmt, plain + 1);
        return;
    }
    if (vsnprintf(to, size, fmt, args) < 0)
        to[0] = '\0';
    str_clean(to);
}

char *str_vprint(const char *fmt, va_list args)
{
    char *text;

    return vasprintf(&text, fmt, args) < 0 ? NULL : text;
}

char *str_print(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = str_vprint(fmt, args);
    va_end(args);
    return text;
}

const char *str_bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    const char *token;

    if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    token = authorization + sizeof(scheme) - 1;
    token += strspn(token, " ");
    return *token == '\0' || str_eq(token, "null") ? NULL : token;
}
