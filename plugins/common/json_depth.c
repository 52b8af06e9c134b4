/* SPDX-License-Identifier: Apache-2.0 */
#include "json_depth.h"

#include "json_text.h"

bool json_deeper_than(const char *text, size_t len, unsigned limit)
{
    bool quoted = false;
    unsigned depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
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
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',' || c == '{' || c == '[') {
            count++;
        }
    }
    return count;
}

bool json_more_values_than(const char *text, size_t len, size_t max)
{
    return len / 2 >= max && json_values(text, len) > max;
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
