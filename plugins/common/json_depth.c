/* SPDX-License-Identifier: Apache-2.0 */
#include "json_depth.h"

#include "json_text.h"

/* Where the string ends that begins at AT; LEN or more: it does not. */
static size_t string_end(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at;
}

bool json_deeper_than(const char *text, size_t len, unsigned limit)
{
    unsigned depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '"') {
            i = string_end(text, len, i);
        } else if (c == '{' || c == '[') {
            if (++depth > limit)
                return true;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return false;
}

size_t json_values(const char *text, size_t len)
{
    size_t count = 1;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            i = string_end(text, len, i);
        else
            count += text[i] == ',' || text[i] == '{' || text[i] == '[';
    }
    return count;
}

bool json_more_values_than(const char *text, size_t len, size_t max)
{
    return len / 2 >= max && json_values(text, len) > max;
}

bool json_take_values(const char *text, size_t len, size_t *left)
{
    size_t count = json_values(text, len);

    if (count > *left)
        return false;
    *left -= count;
    return true;
}

json_t *json_outer_read(const char *text, size_t len, unsigned limit)
{
    json_t *json = json_text_parse(text, len, limit, NULL);

    if (json_is_object(json) || json_is_array(json))
        return json;
    json_decref(json);
    return NULL;
}

json_t *json_object_read(const char *text, size_t len, unsigned limit)
{
    json_t *json = json_outer_read(text, len, limit);

    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}
