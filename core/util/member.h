/* SPDX-License-Identifier: Apache-2.0 */
/* What a member of a JSON object holds; lent by the object, which may be NULL. */
#pragma once

#include "str.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* NULL: it is absent, or no text. */
static inline const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

/* "": it is absent, or no text. */
static inline const char *text_or_empty(const json_t *object, const char *member)
{
    const char *text = text_of(object, member);

    return text ? text : "";
}

/* 0: it is absent, or no integer. */
static inline int64_t integer_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* A setting that its schema has let through. */
static inline uint32_t setting_of(const json_t *config, const char *name)
{
    return (uint32_t)integer_of(config, name);
}

/* NULL: it is absent, or null. */
static inline json_t *unless_null(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);

    return json_is_null(value) ? NULL : value;
}

/* null: it is absent. */
static inline json_t *or_null(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);

    return value ? value : json_null();
}

/* TO's member is FROM's; null where that has none. */
static inline int copy_member(json_t *to, const json_t *from, const char *member)
{
    return json_object_set(to, member, or_null(from, member));
}

/* The member at PATH ("a.b"); NULL: there is none. */
static inline json_t *member_at(const json_t *object, const char *path)
{
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1)
        object = json_object_getn(object, path, (size_t)(dot - path));
    return json_object_get(object, path);
}

/* Of LIST, an array or NULL, the first object whose MEMBER is TEXT; NULL: there is none. */
static inline json_t *list_find(const json_t *list, const char *member, const char *text)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (strcmp(text_or_empty(item, member), text) == 0)
            return item;
    }
    return NULL;
}

/* "a, b" as ["a", "b"]; NULL: no memory. */
static inline json_t *list_split(const char *text)
{
    json_t *list = json_array();

    for (size_t whole; *text; text += whole + (text[whole] == ',')) {
        size_t len = whole = strcspn(text, ",");
        const char *item = str_trim(text, &len);

        if (len > 0 && json_array_append_new(list, json_stringn(item, len)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Is TEXT one of LIST, an array or NULL? */
static inline bool list_has(const json_t *list, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}
