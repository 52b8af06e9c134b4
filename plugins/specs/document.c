/* SPDX-License-Identifier: Apache-2.0 */
/* A text to JSON: most documents are JSON, which is read several times faster than YAML. */
#include "error.h"
#include "json_depth.h"
#include "json_text.h"
#include "read.h"

#include <string.h>

static size_t skip_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool looks_like_json(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at < len && text[at] == '{';
}

/* 1: it is not JSON, or something that only the reader of YAML can keep (an integer of 70 bits). */
static int read_json(const char *text, size_t len, const struct spec_limits *limits,
                     json_t **ret_document, struct ein_error *err)
{
    json_t *json;

    if (json_more_values_than(text, len, limits->nodes))
        return error_set(err, EIN_E_TOO_LARGE, "it has more than %zu values", limits->nodes);
    json = json_text_parse(text, len, limits->depth, NULL);
    if (!json && json_deeper_than(text, len, limits->depth))
        return error_set(err, EIN_E_TOO_LARGE, "it is nested deeper than %u levels", limits->depth);
    if (!json)
        json = json_loadb(text, len, 0, NULL);
    if (!json)
        return 1;
    *ret_document = json;
    return 0;
}

int document_read(const char *text, size_t len, const struct spec_limits *limits,
                  json_t **ret_document, struct ein_error *err)
{
    size_t mark = skip_mark(text, len);
    EIN_JSON json_t *json = NULL;
    int r = 1;

    if (len > limits->text_bytes)
        return error_set(err, EIN_E_TOO_LARGE, "it is longer than %zu bytes", limits->text_bytes);
    text += mark;
    len -= mark;
    if (looks_like_json(text, len))
        r = read_json(text, len, limits, &json, err);
    if (r > 0)
        r = yaml_read(text, len, limits, &json, err);
    if (r < 0)
        return r;
    if (!json_is_object(json))
        return error_set(err, EIN_E_INVALID, "its outermost value is not an object");
    *ret_document = EIN_TAKE(json);
    return 0;
}
