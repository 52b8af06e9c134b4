/* SPDX-License-Identifier: Apache-2.0
 *
 * A vendor sends a JSON text for every word of an answer.  jansson reads it letter by letter
 * through a function pointer, twice over; here a string without escapes is one look for its end.
 */
#include "json_quick.h"

#include "cleanup.h"
#include "hex.h"
#include "str.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Nothing that is sent often nests deeper, and each level takes of a connection's small stack:
     * several times as much where the address sanitizer is at work. */
    LEVELS_MAX = 40,
    DIGITS_MAX = 18,
    NUMBER_MAX = 64,
    SHORT_TEXT = 512
};

struct reader {
    const char *at, *end;
    unsigned depth; /* that is left */
};

static json_t *read_value(struct reader *reader);

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\r' || *reader->at == '\t'))
        reader->at++;
}

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* ---- strings ---- */

/* Past the quote that ends the string; NULL: there is none.  Whether there are escapes, and bytes
 * that are not ASCII. */
static const char *find_end(const struct reader *reader, bool *ret_escapes, bool *ret_wide)
{
    const char *at = reader->at, *end = reader->end;

    *ret_escapes = *ret_wide = false;
    for (; (at += str_plain_len(at, (size_t)(end - at))) < end; at++) {
        if (*at == '"')
            return at + 1;
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at != '\\')
            *ret_wide = true;
        else if (++at < end)
            *ret_escapes = true;
        else
            return NULL;
    }
    return NULL;
}

/* The four digits at `at`; -1: they are not there. */
static int read_unit(const char *at, const char *end)
{
    int unit = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static char *put_character(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* *at is behind "\u"; NULL: NUL, half a pair, or no digits. */
static char *put_unicode(const char **at, const char *end, char *out)
{
    int unit = read_unit(*at, end), low;

    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return NULL;
    *at += 4;
    if (unit < 0xd800 || unit > 0xdbff)
        return put_character(out, (unsigned)unit);
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return NULL;
    low = read_unit(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return NULL;
    *at += 6;
    return put_character(out, 0x10000 + (((unsigned)unit & 0x3ff) << 10) + ((unsigned)low & 0x3ff));
}

static char *put_escape(const char **at, const char *end, char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = *(*at)++;
    const char *name = c ? strchr(names, c) : NULL;

    if (c == 'u')
        return put_unicode(at, end, out);
    if (!name)
        return NULL;
    *out++ = values[name - names];
    return out;
}

/* What escapes stand for is never longer than they are. */
static json_t *unescaped(const char *at, const char *end)
{
    char few[SHORT_TEXT], *text = few, *out;
    EIN_FREE char *many = NULL;

    if ((size_t)(end - at) > sizeof(few))
        text = many = malloc((size_t)(end - at));
    out = text;
    while (out && at < end) {
        if (*at != '\\') {
            *out++ = *at++;
        } else {
            at++;
            out = put_escape(&at, end, out);
        }
    }
    return out ? json_stringn(text, (size_t)(out - text)) : NULL;
}

/* Behind the first quote.  jansson looks whether it is UTF-8. */
static json_t *read_string(struct reader *reader)
{
    bool escapes, wide;
    const char *begin = reader->at, *behind = find_end(reader, &escapes, &wide);

    if (!behind)
        return NULL;
    reader->at = behind;
    if (escapes)
        return unescaped(begin, behind - 1);
    if (wide)
        return json_stringn(begin, (size_t)(behind - 1 - begin));
    return json_stringn_nocheck(begin, (size_t)(behind - 1 - begin));
}

/* ---- numbers and words ---- */

static size_t count_digits(const char *at, const char *end)
{
    const char *begin = at;

    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - begin);
}

/* Behind the number; NULL: it is none (RFC 8259, 6). */
static const char *number_end(const char *at, const char *end, bool *ret_real)
{
    size_t digits;

    *ret_real = false;
    at += at < end && *at == '-';
    digits = count_digits(at, end);
    if (digits == 0 || (digits > 1 && *at == '0'))
        return NULL;
    at += digits;
    if (at < end && *at == '.') {
        *ret_real = true;
        digits = count_digits(++at, end);
        at += digits;
    }
    if (digits > 0 && at < end && (*at == 'e' || *at == 'E')) {
        *ret_real = true;
        at++;
        at += at < end && (*at == '+' || *at == '-');
        digits = count_digits(at, end);
        at += digits;
    }
    return digits > 0 ? at : NULL;
}

static json_t *read_number(struct reader *reader)
{
    bool real;
    const char *begin = reader->at, *end = number_end(begin, reader->end, &real);
    char text[NUMBER_MAX];
    json_int_t number = 0;

    if (!end || end - begin >= NUMBER_MAX)
        return NULL;
    reader->at = end;
    if (!real && end - begin <= DIGITS_MAX) {
        for (const char *at = begin + (*begin == '-'); at < end; at++)
            number = number * 10 + (*at - '0');
        return json_integer(*begin == '-' ? -number : number);
    }
    if (!real)
        return NULL;
    memcpy(text, begin, (size_t)(end - begin));
    text[end - begin] = '\0';
    return json_real(strtod(text, NULL)); /* NULL for what is out of range */
}

static bool take_word(struct reader *reader, const char *word, size_t len)
{
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

/* ---- containers ---- */

/* With its colon, where it needs no second look: it has no escapes and is ASCII.  NULL: else. */
static const char *read_name(struct reader *reader, size_t *ret_len)
{
    bool escapes, wide;
    const char *name, *behind;

    skip_space(reader);
    if (!take(reader, '"'))
        return NULL;
    name = reader->at;
    behind = find_end(reader, &escapes, &wide);
    if (!behind || escapes || wide)
        return NULL;
    *ret_len = (size_t)(behind - 1 - name);
    reader->at = behind;
    skip_space(reader);
    return take(reader, ':') ? name : NULL;
}

static bool read_member(struct reader *reader, json_t *object)
{
    size_t size = json_object_size(object), len;
    const char *name = read_name(reader, &len);
    json_t *value = name ? read_value(reader) : NULL;

    return value && json_object_setn_new_nocheck(object, name, len, value) == 0 &&
           json_object_size(object) > size; /* else it was there */
}

/* Behind its bracket. */
static json_t *read_object(struct reader *reader)
{
    EIN_JSON json_t *object = json_object();

    skip_space(reader);
    if (!object || take(reader, '}'))
        return EIN_TAKE(object);
    do {
        if (!read_member(reader, object))
            return NULL;
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, '}') ? EIN_TAKE(object) : NULL;
}

static json_t *read_array(struct reader *reader)
{
    EIN_JSON json_t *array = json_array();

    skip_space(reader);
    if (!array || take(reader, ']'))
        return EIN_TAKE(array);
    do {
        json_t *value = read_value(reader);

        if (!value || json_array_append_new(array, value) < 0)
            return NULL;
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, ']') ? EIN_TAKE(array) : NULL;
}

static json_t *read_container(struct reader *reader, bool object)
{
    json_t *json;

    if (reader->depth == 0)
        return NULL;
    reader->depth--;
    json = object ? read_object(reader) : read_array(reader);
    reader->depth++;
    return json;
}

static json_t *read_value(struct reader *reader)
{
    skip_space(reader);
    if (take(reader, '"'))
        return read_string(reader);
    if (take(reader, '{'))
        return read_container(reader, true);
    if (take(reader, '['))
        return read_container(reader, false);
    if (take_word(reader, "null", 4))
        return json_null();
    if (take_word(reader, "true", 4))
        return json_true();
    if (take_word(reader, "false", 5))
        return json_false();
    return read_number(reader);
}

json_t *json_quick(const char *text, size_t len, unsigned depth)
{
    struct reader reader = { text, text + len, depth < LEVELS_MAX ? depth : LEVELS_MAX };
    EIN_JSON json_t *json = read_value(&reader);

    skip_space(&reader);
    return reader.at == reader.end ? EIN_TAKE(json) : NULL;
}

/* ---- what is known beforehand ---- */

static const struct json_known *find_known(const struct json_known *known, const char *name,
                                           size_t len)
{
    for (; known->name; known++)
        if (*known->name == *name && strncmp(known->name, name, len) == 0 && !known->name[len])
            return known;
    return NULL;
}

static bool pass_scalar(struct reader *reader)
{
    bool escapes = false, any;
    const char *behind = take(reader, '"') ? find_end(reader, &escapes, &any)
                                           : number_end(reader->at, reader->end, &any);

    if (!behind || escapes)
        return false;
    reader->at = behind;
    return true;
}

static bool read_known(struct reader *reader, const struct json_known *known,
                       struct json_found *found);

static bool read_inside(struct reader *reader, const struct json_known *known,
                        struct json_found *found)
{
    if (known->list && !take(reader, '['))
        return false;
    skip_space(reader);
    if (known->list && take(reader, ']'))
        return true;
    if (!read_known(reader, known->members, found))
        return false;
    skip_space(reader);
    return !known->list || take(reader, ']');
}

static bool read_known_value(struct reader *reader, const struct json_known *known,
                             struct json_found *found)
{
    struct json_found *its = &found[known->place];

    if (known->members) {
        its->at = reader->at;
        return read_inside(reader, known, found);
    }
    if (!known->place || its->value)
        return pass_scalar(reader);
    its->at = reader->at;
    its->value = read_value(reader);
    its->len = (size_t)(reader->at - its->at);
    return its->value;
}

static bool read_known(struct reader *reader, const struct json_known *known,
                       struct json_found *found)
{
    unsigned seen = 0;

    if (!take(reader, '{'))
        return false;
    skip_space(reader);
    if (take(reader, '}'))
        return true;
    do {
        size_t len;
        const char *name = read_name(reader, &len);
        const struct json_known *member = name ? find_known(known, name, len) : NULL;
        const unsigned bit = member ? 1U << (member - known) : 0;

        skip_space(reader);
        if (!name || seen & bit ||
            !(take_word(reader, "null", 4) || (member && read_known_value(reader, member, found))))
            return false;
        seen |= bit;
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, '}');
}

bool json_quick_known(const char *text, size_t len, const struct json_known *known,
                      struct json_found *found)
{
    struct reader reader = { text, text + len, LEVELS_MAX };

    skip_space(&reader);
    if (!read_known(&reader, known, found))
        return false;
    skip_space(&reader);
    return reader.at == reader.end;
}
