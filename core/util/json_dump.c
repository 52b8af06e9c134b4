/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "json_text.h"
#include "str.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Unlike json_dumps() this writes the shortest number that reads back the same (0.1, not
 * 0.10000000000000001). */

enum {
    DEPTH_MAX = 512,
    USUAL_LEN = 500 /* of a document, a request, a reply */
};

/* What most strings are. */
static bool dump_plain(struct buf *out, const char *text, size_t len)
{
    char *at = buf_room(out, len + 2);

    if (!at)
        return false;
    at[0] = '"';
    memcpy(at + 1, text, len);
    at[len + 1] = '"';
    return true;
}

static bool dump_string(struct buf *out, const char *text, size_t len)
{
    static const char short_form[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
    };
    size_t piece = 0, at = str_plain_len(text, len);

    if (at == len)
        return dump_plain(out, text, len);
    (void)buf_char(out, '"');
    for (; at < len; at += str_plain_len(text + at, len - at)) {
        unsigned char c = (unsigned char)text[at];
        size_t step = 1;

        if (c >= 0x80) {
            step = str_utf8_len(text + at, len - at);
            if (step == 0)
                return false;
        } else {
            (void)buf_add(out, text + piece, at - piece);
            piece = at + 1;
            if (c >= 0x20)
                (void)buf_printf(out, "\\%c", c);
            else if (short_form[c])
                (void)buf_printf(out, "\\%c", short_form[c]);
            else
                (void)buf_printf(out, "\\u%04x", c);
        }
        at += step;
    }
    (void)buf_add(out, text + piece, at - piece);
    return buf_char(out, '"') == 0;
}

static bool dump_integer(struct buf *out, json_int_t value)
{
    char digits[24], *at = digits + sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        *--at = '-';
    return buf_add(out, at, (size_t)(digits + sizeof(digits) - at)) == 0;
}

/* DIGITS with a point before the last PLACES of them. */
static bool dump_places(struct buf *out, bool negative, uint64_t digits, size_t places)
{
    char text[32], *at = text + sizeof(text);

    for (size_t i = 0; i <= places || digits; i++, digits /= 10) {
        if (i == places)
            *--at = '.';
        *--at = (char)('0' + digits % 10);
    }
    if (negative)
        *--at = '-';
    return buf_add(out, at, (size_t)(text + sizeof(text) - at)) == 0;
}

/* Most numbers that people write have few digits: of at most 15 there is one for each double, which
 * is then the shortest.  Much quicker than trying what reads back the same. */
static bool dump_short_real(struct buf *out, double value)
{
    static const double powers[] = { 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8 };
    double size = fabs(value);

    if (!(size >= 1e-4 && size < 1e7))
        return false;
    for (size_t places = 1; places <= sizeof(powers) / sizeof(powers[0]); places++) {
        double power = powers[places - 1];
        uint64_t whole = (uint64_t)(size * power + 0.5);

        if ((double)whole / power == size)
            return dump_places(out, value < 0, whole, places);
    }
    return false;
}

/* As Python's repr(): an exponent below 1e-4 and from 1e16 on, else a point. */
static bool dump_real(struct buf *out, double value)
{
    char text[40], digits[24];
    int exponent, count = 0;

    if (!isfinite(value))
        return false;
    if (dump_short_real(out, value))
        return true;
    for (int precision = 14; precision <= 16; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }

    exponent = atoi(strchr(text, 'e') + 1);
    for (const char *p = text; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0')
        count--;

    if (text[0] == '-')
        (void)buf_char(out, '-');
    if (exponent < -4 || exponent >= 16) {
        (void)buf_char(out, digits[0]);
        if (count > 1)
            (void)buf_printf(out, ".%.*s", count - 1, digits + 1);
        return buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent)) == 0;
    }
    if (exponent < 0)
        return buf_printf(out, "0.%.*s%.*s", -exponent - 1, "000", count, digits) == 0;
    for (int i = 0; i <= exponent; i++)
        (void)buf_char(out, i < count ? digits[i] : '0');
    if (count > exponent + 1)
        return buf_printf(out, ".%.*s", count - exponent - 1, digits + exponent + 1) == 0;
    return buf_text(out, ".0") == 0;
}

/* With the character before it, and the colon. */
static bool dump_name(struct buf *out, char before, const char *name, size_t len)
{
    char *at;

    if (str_plain_len(name, len) < len)
        return buf_char(out, before) == 0 && !memchr(name, '\0', len) && /* no parser takes a NUL */
               dump_string(out, name, len) && buf_char(out, ':') == 0;
    at = buf_room(out, len + 4);
    if (!at)
        return false;
    at[0] = before;
    at[1] = '"';
    memcpy(at + 2, name, len);
    at[len + 2] = '"';
    at[len + 3] = ':';
    return true;
}

static bool dump(struct buf *out, const json_t *json, int depth);

static bool dump_array(struct buf *out, const json_t *array, int depth)
{
    json_t *item;
    size_t i;

    (void)buf_char(out, '[');
    json_array_foreach(array, i, item)
    {
        if (i > 0)
            (void)buf_char(out, ',');
        if (!dump(out, item, depth))
            return false;
    }
    return buf_char(out, ']') == 0;
}

static bool dump_object(struct buf *out, const json_t *object, int depth)
{
    json_t *members = (json_t *)object; /* jansson's iterators do not change it */
    char before = '{';

    for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it)) {
        if (!dump_name(out, before, json_object_iter_key(it), json_object_iter_key_len(it)) ||
            !dump(out, json_object_iter_value(it), depth))
            return false;
        before = ',';
    }
    return buf_text(out, before == '{' ? "{}" : "}") == 0;
}

static bool dump(struct buf *out, const json_t *json, int depth)
{
    if (depth == DEPTH_MAX)
        return false;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return dump_object(out, json, depth + 1);
    case JSON_ARRAY:
        return dump_array(out, json, depth + 1);
    case JSON_STRING:
        return dump_string(out, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return dump_integer(out, json_integer_value(json));
    case JSON_REAL:
        return dump_real(out, json_real_value(json));
    case JSON_TRUE:
        return buf_text(out, "true") == 0;
    case JSON_FALSE:
        return buf_text(out, "false") == 0;
    default:
        return buf_text(out, "null") == 0;
    }
}

char *json_text_dump(const json_t *json, size_t *ret_len)
{
    struct buf out;

    buf_init(&out, SIZE_MAX / 2);
    (void)buf_reserve(&out, USUAL_LEN);
    if (!json || !dump(&out, json, 0)) {
        buf_done(&out);
        return NULL;
    }
    return buf_take(&out, ret_len);
}
