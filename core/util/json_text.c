/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "buf.h"
#include "cleanup.h"
#include "hex.h"
#include "str.h"
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One pass that builds jansson values and finds faults.  Open containers lie in an array, not on
 * the C stack, so that depth costs nothing there.  Faults have the words and places of CPython's
 * decoder, which existing clients of this API know; the order of the checks follows from that. */

enum { FEW_LEVELS = 64, NAME_SHOWN = 47 };

struct parser {
    const char *text;
    size_t len, at;
    size_t depth, max_depth;
    size_t values_left, max_values;
    json_t **open; /* the containers around `at`, outermost first */
    json_t **few;  /* room for FEW_LEVELS, which are enough for most */
    struct buf scratch;
    struct json_fault *fault;
};

/* Always false, so that a line both says and returns it. */
__attribute__((format(printf, 3, 4))) static bool fail(struct parser *p, size_t at, const char *fmt,
                                                       ...)
{
    va_list args;

    if (!p->fault)
        return false;
    p->fault->offset = str_count(p->text, at < p->len ? at : p->len);
    va_start(args, fmt);
    (void)vsnprintf(p->fault->text, sizeof(p->fault->text), fmt, args);
    va_end(args);
    return false;
}

static bool no_memory(struct parser *p)
{
    return fail(p, p->at, "Out of memory");
}

/* -1 at the end; no character of the text is negative. */
static int peek(const struct parser *p)
{
    return p->at < p->len ? (unsigned char)p->text[p->at] : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void skip_space(struct parser *p)
{
    while (p->at < p->len && is_space(p->text[p->at]))
        p->at++;
}

static bool is_digit_at(const struct parser *p, size_t at)
{
    return at < p->len && p->text[at] >= '0' && p->text[at] <= '9';
}

/* ---- strings ---- */

/* The four digits of an escape whose 'u' is at `u`. */
static bool read_unit(struct parser *p, size_t u, unsigned *ret_unit)
{
    unsigned unit = 0;

    if (u + 5 >= p->len)
        return fail(p, u, "Invalid \\uXXXX escape");
    for (size_t i = u + 1; i < u + 5; i++) {
        int digit = hex_digit(p->text[i]);

        if (digit < 0)
            return fail(p, u, "Invalid \\uXXXX escape");
        unit = unit << 4 | (unsigned)digit;
    }
    *ret_unit = unit;
    return true;
}

/* At the 'u' of "\uXXXX". */
static bool read_unicode_escape(struct parser *p)
{
    size_t u = p->at;
    unsigned c = 0, low = 0;
    char bytes[4];

    if (!read_unit(p, u, &c))
        return false;
    p->at = u + 5;

    if (c == 0)
        return fail(p, u - 1, "NUL in a string");
    if (c >= 0xd800 && c <= 0xdbff && u + 11 < p->len && p->text[u + 5] == '\\' &&
        p->text[u + 6] == 'u') {
        if (!read_unit(p, u + 6, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(p, u - 1, "Lone surrogate in a string");
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
        p->at = u + 11;
    }
    if (c >= 0xd800 && c <= 0xdfff)
        return fail(p, u - 1, "Lone surrogate in a string");

    (void)buf_add(&p->scratch, bytes, str_utf8_write(c, bytes));
    return true;
}

/* At the character after a backslash. */
static bool read_escape(struct parser *p, size_t start)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    const char *found;

    if (c < 0)
        return fail(p, start, "Unterminated string starting at");
    if (c == 'u')
        return read_unicode_escape(p);

    found = c ? strchr(from, c) : NULL;
    if (!found)
        return fail(p, p->at - 1, "Invalid \\escape");
    (void)buf_char(&p->scratch, to[found - from]);
    p->at++;
    return true;
}

/* Moves over characters that stand for themselves, to a quote or a backslash. */
static bool skip_plain(struct parser *p, size_t start)
{
    for (;;) {
        int c;

        p->at += str_plain_len(p->text + p->at, p->len - p->at);
        c = peek(p);
        if (c == '"' || c == '\\')
            return true;
        if (c < 0)
            return fail(p, start, "Unterminated string starting at");
        if (c < 0x20)
            return fail(p, p->at, "Invalid control character at");
        while (peek(p) >= 0x80) {
            size_t step = str_utf8_len(p->text + p->at, p->len - p->at);

            if (step == 0)
                return fail(p, p->at, "Invalid UTF-8");
            p->at += step;
        }
    }
}

/* At a piece of a string: to the end of the string, which lies in `scratch`. */
static bool unescape(struct parser *p, size_t start, size_t piece)
{
    buf_clear(&p->scratch);
    for (;;) {
        (void)buf_add(&p->scratch, p->text + piece, p->at - piece);
        if (p->text[p->at++] == '"')
            return !p->scratch.error || no_memory(p);
        if (!read_escape(p, start))
            return false;
        piece = p->at;
        if (!skip_plain(p, start))
            return false;
    }
}

/* At the opening quote.  The result lies in the text itself, or in `scratch` if it has escapes. */
static bool read_string(struct parser *p, const char **ret_string, size_t *ret_len)
{
    size_t start = p->at++;

    if (!skip_plain(p, start))
        return false;
    if (p->text[p->at] == '"') {
        *ret_string = p->text + start + 1;
        *ret_len = p->at++ - start - 1;
        return true;
    }
    if (!unescape(p, start, start + 1))
        return false;
    *ret_string = p->scratch.data;
    *ret_len = p->scratch.len;
    return true;
}

/* ---- numbers ---- */

static size_t skip_digits(const struct parser *p, size_t at)
{
    while (is_digit_at(p, at))
        at++;
    return at;
}

/* The end of the number at `at`, as far as it is one; 0 if none begins there. */
static size_t number_end(const struct parser *p, bool *ret_real)
{
    size_t at = p->at, end;

    *ret_real = false;
    if (peek(p) == '-')
        at++;
    if (!is_digit_at(p, at))
        return 0;
    at = p->text[at] == '0' ? at + 1 : skip_digits(p, at);

    if (at < p->len && p->text[at] == '.' && is_digit_at(p, at + 1)) {
        *ret_real = true;
        at = skip_digits(p, at + 1);
    }
    if (at < p->len && (p->text[at] | 0x20) == 'e') {
        end = at + 1;
        if (end < p->len && (p->text[end] == '+' || p->text[end] == '-'))
            end++;
        if (is_digit_at(p, end)) {
            *ret_real = true;
            at = skip_digits(p, end);
        }
    }
    return at;
}

static bool read_integer(struct parser *p, size_t end, json_t **ret)
{
    bool negative = p->text[p->at] == '-';
    json_int_t value = 0;

    for (size_t i = p->at + negative; i < end; i++) {
        int digit = p->text[i] - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return fail(p, p->at, "Number out of range");
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return fail(p, p->at, "Number out of range");

    *ret = json_integer(value);
    p->at = end;
    return *ret || no_memory(p);
}

static bool read_real(struct parser *p, size_t end, json_t **ret)
{
    double value;

    buf_clear(&p->scratch);
    if (buf_add(&p->scratch, p->text + p->at, end - p->at) < 0)
        return no_memory(p);
    value = strtod(p->scratch.data, NULL);
    if (!isfinite(value))
        return fail(p, p->at, "Number out of range");

    *ret = json_real(value);
    p->at = end;
    return *ret || no_memory(p);
}

/* ---- values ---- */

static bool read_word(struct parser *p, const char *word, json_t *value, json_t **ret)
{
    size_t len = strlen(word);

    if (p->len - p->at < len || memcmp(p->text + p->at, word, len) != 0)
        return fail(p, p->at, "Expecting value");
    p->at += len;
    *ret = value;
    return true;
}

static bool read_string_value(struct parser *p, json_t **ret)
{
    const char *string;
    size_t len;

    if (!read_string(p, &string, &len))
        return false;
    *ret = json_stringn_nocheck(string, len);
    return *ret || no_memory(p);
}

static bool read_number(struct parser *p, json_t **ret)
{
    bool real;
    size_t end = number_end(p, &real);

    if (end == 0)
        return fail(p, p->at, "Expecting value");
    return real ? read_real(p, end, ret) : read_integer(p, end, ret);
}

/* A container is returned empty, its bracket passed. */
static bool read_value(struct parser *p, json_t **ret)
{
    if (p->values_left-- == 0)
        return fail(p, p->at, "More than %zu values", p->max_values);
    switch (peek(p)) {
    case '{':
    case '[':
        if (p->depth == p->max_depth)
            return fail(p, p->at, "Nesting deeper than %zu levels", p->max_depth);
        *ret = p->text[p->at++] == '{' ? json_object() : json_array();
        return *ret || no_memory(p);
    case '"':
        return read_string_value(p, ret);
    case 't':
        return read_word(p, "true", json_true(), ret);
    case 'f':
        return read_word(p, "false", json_false(), ret);
    case 'n':
        return read_word(p, "null", json_null(), ret);
    default:
        return read_number(p, ret);
    }
}

/* Steals `value`. */
static bool add_item(struct parser *p, json_t *value)
{
    return json_array_append_new(p->open[p->depth - 1], value) == 0 || no_memory(p);
}

static bool duplicate(struct parser *p, size_t at, const char *name, size_t len)
{
    int shown = len > NAME_SHOWN ? str_cut(name, NAME_SHOWN) : (int)len;

    return fail(p, at, "Duplicate object key '%.*s'", shown, name);
}

/* At a member: reads its name, the colon and the value. */
static bool read_member(struct parser *p, json_t **ret)
{
    json_t *object = p->open[p->depth - 1];
    size_t start = p->at, size = json_object_size(object), len;
    EIN_FREE char *copy = NULL;
    const char *name;
    json_t *value;

    if (peek(p) != '"')
        return fail(p, p->at, "Expecting property name enclosed in double quotes");
    if (!read_string(p, &name, &len))
        return false;
    if (name == p->scratch.data && !(name = copy = strndup(name, len))) /* the value needs it */
        return no_memory(p);

    skip_space(p);
    if (peek(p) != ':')
        return fail(p, p->at, "Expecting ':' delimiter");
    p->at++;
    skip_space(p);
    if (!read_value(p, &value))
        return false;

    if (json_object_setn_new_nocheck(object, name, len, value) < 0)
        return no_memory(p);
    if (json_object_size(object) == size)
        return duplicate(p, start, name, len);
    *ret = value;
    return true;
}

/* Reads the next value of the innermost container and puts it there; *ret is lent. */
static bool read_element(struct parser *p, json_t **ret)
{
    if (json_is_object(p->open[p->depth - 1]))
        return read_member(p, ret);
    return read_value(p, ret) && add_item(p, *ret);
}

/* At the end of a value: closes what ends here.  *ret_more: another value follows. */
static bool read_closing(struct parser *p, bool *ret_more)
{
    *ret_more = false;
    while (p->depth > 0) {
        char end = json_is_object(p->open[p->depth - 1]) ? '}' : ']';

        skip_space(p);
        if (peek(p) == ',') {
            p->at++;
            skip_space(p);
            *ret_more = true;
            return true;
        }
        if (peek(p) != end)
            return fail(p, p->at, "Expecting ',' delimiter");
        p->at++;
        p->depth--;
    }
    return true;
}

static bool open_container(struct parser *p, json_t *container)
{
    if (p->depth == FEW_LEVELS && p->open == p->few) {
        p->open = calloc(p->max_depth, sizeof(json_t *));
        if (!p->open)
            return no_memory(p);
        memcpy(p->open, p->few, FEW_LEVELS * sizeof(json_t *));
    }
    p->open[p->depth++] = container;
    return true;
}

/* `value` was just read: if it is a container, what follows is inside, unless it is empty. */
static bool enter(struct parser *p, json_t *value, bool *ret_entered)
{
    *ret_entered = false;
    if (!json_is_object(value) && !json_is_array(value))
        return true;

    skip_space(p);
    if (peek(p) == (json_is_object(value) ? '}' : ']')) {
        p->at++;
        return true;
    }
    *ret_entered = open_container(p, value);
    return *ret_entered;
}

/* With what is inside. */
static bool read_whole(struct parser *p, json_t **ret_root)
{
    json_t *value;
    bool more;

    if (!read_value(p, ret_root))
        return false;
    value = *ret_root;
    for (;;) {
        if (!enter(p, value, &more) || (!more && !read_closing(p, &more)))
            return false;
        if (!more)
            return true;
        if (!read_element(p, &value))
            return false;
    }
}

static bool read_document(struct parser *p, json_t **ret_root)
{
    if (p->len >= 3 && memcmp(p->text, "\xef\xbb\xbf", 3) == 0)
        return fail(p, 0, "Unexpected UTF-8 BOM (decode using utf-8-sig)");
    skip_space(p);
    if (!read_whole(p, ret_root))
        return false;
    skip_space(p);
    return p->at == p->len || fail(p, p->at, "Extra data");
}

static json_t *parse(struct parser *p, bool (*read)(struct parser *p, json_t **ret_root))
{
    EIN_JSON json_t *root = NULL;
    json_t *few[FEW_LEVELS];
    bool ok;

    p->open = p->few = few;
    buf_init(&p->scratch, p->len);
    ok = read(p, &root);
    buf_done(&p->scratch);
    if (p->open != few)
        free(p->open);
    return ok ? EIN_TAKE(root) : NULL;
}

json_t *json_text_parse_within(const char *text, size_t len, size_t max_depth, size_t max_values,
                               struct json_fault *ret_fault)
{
    struct parser p = { .text = text,
                        .len = len,
                        .max_depth = max_depth,
                        .values_left = max_values,
                        .max_values = max_values,
                        .fault = ret_fault };

    return parse(&p, read_document);
}

json_t *json_text_parse(const char *text, size_t len, size_t max_depth,
                        struct json_fault *ret_fault)
{
    return json_text_parse_within(text, len, max_depth, SIZE_MAX, ret_fault);
}

json_t *json_text_value(const char **text, const char *end, size_t max_depth)
{
    struct parser p = {
        .text = *text, .len = (size_t)(end - *text), .max_depth = max_depth, .values_left = SIZE_MAX
    };
    json_t *value = parse(&p, read_whole);

    *text += p.at;
    return value;
}
