/* SPDX-License-Identifier: Apache-2.0 */
#include "python_json.h"

#include "json_text.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *text;
    size_t size, len;
};

static void put(struct out *out, const char *text, size_t len)
{
    if (out->len < out->size) {
        size_t room = out->size - out->len;
        memcpy(out->text + out->len, text, len < room ? len : room);
    }
    out->len += len;
}

static void put_text(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_escape(struct out *out, uint32_t c)
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    char text[24];

    const char *named = c && c < 0x80 ? strchr(from, (int)c) : NULL;
    if (named)
        snprintf(text, sizeof(text), "\\%c", to[named - from]);
    else if (c > 0xffff)
        snprintf(text, sizeof(text), "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                 0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        snprintf(text, sizeof(text), "\\u%04x", c);
    put_text(out, text);
}

static void put_string(struct out *out, const char *text, size_t len)
{
    const char *at = text, *end = at + len;

    put(out, "\"", 1);
    while (at < end) {
        const char *plain = at;
        while (at < end && *at >= ' ' && *at <= '~' && *at != '"' && *at != '\\')
            at++;
        put(out, plain, (size_t)(at - plain));
        if (at < end) {
            size_t character = str_utf8_len(at, (size_t)(end - at));
            character = character ? character : 1;
            put_escape(out, str_utf8_read(at, character));
            at += character;
        }
    }
    put(out, "\"", 1);
}

static void put_real(struct out *out, double value)
{
    char text[JSON_REAL_SIZE];

    put(out, text, json_text_real(value, text));
}

static void put_integer(struct out *out, json_int_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, value);
    put_text(out, text);
}

static void put_value(struct out *out, const json_t *value);

static void put_array(struct out *out, const json_t *array)
{
    put(out, "[", 1);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            put(out, ", ", 2);
        put_value(out, json_array_get(array, i));
    }
    put(out, "]", 1);
}

static void put_object(struct out *out, const json_t *object)
{
    const char *key, *between = "";
    size_t len;
    json_t *value;

    put(out, "{", 1);
    json_object_keylen_foreach((json_t *)object, key, len, value)
    {
        put_text(out, between);
        between = ", ";
        put_string(out, key, len);
        put(out, ": ", 2);
        put_value(out, value);
    }
    put(out, "}", 1);
}

static void put_value(struct out *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value);
        break;
    case JSON_ARRAY:
        put_array(out, value);
        break;
    case JSON_STRING:
        put_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        put_integer(out, json_integer_value(value));
        break;
    case JSON_REAL:
        put_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        put_text(out, "true");
        break;
    case JSON_FALSE:
        put_text(out, "false");
        break;
    case JSON_NULL:
        put_text(out, "null");
        break;
    }
}

size_t python_json(const json_t *value, char *text, size_t size)
{
    struct out out = { .text = text, .size = size ? size - 1 : 0 };

    put_value(&out, value);
    if (size)
        text[out.len < size ? out.len : size - 1] = '\0';
    return out.len;
}
