/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "json_text.h"
#include "str.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

bool json_text_escape(struct buf *out, const char *text, size_t len)
{
    static const char short_form[128] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
                                          ['\t'] = 't', ['"'] = '"',  ['\\'] = '\\' };
    size_t piece = 0, step;
    bool is_utf8 = true;

    for (size_t at = 0; (at += str_plain_len(text + at, len - at)) < len; at += step) {
        unsigned char c = (unsigned char)text[at];

        if (c >= 0x80) {
            step = str_utf8_len(text + at, len - at);
            is_utf8 = is_utf8 && step > 0;
            step = step ? step : 1;
            continue;
        }
        (void)buf_add(out, text + piece, at - piece);
        if (short_form[c])
            (void)buf_add(out, (const char[]){ '\\', short_form[c] }, 2);
        else
            (void)buf_printf(out, "\\u%04x", c);
        step = 1;
        piece = at + 1;
    }
    (void)buf_add(out, text + piece, len - piece);
    return is_utf8;
}

static bool dump_string(struct buf *out, const char *text, size_t len)
{
    if (str_plain_len(text, len) == len)
        return dump_plain(out, text, len);
    (void)buf_char(out, '"');
    return json_text_escape(out, text, len) && buf_char(out, '"') == 0;
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

static bool dump_real(struct buf *out, double value)
{
    char text[JSON_REAL_SIZE];

    return isfinite(value) && buf_add(out, text, json_text_real(value, text)) == 0;
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
