/* SPDX-License-Identifier: Apache-2.0 */
/* What a member of a JSON object holds; lent by the object, which may be NULL. */
#ifndef MEMBER_H
#define MEMBER_H

#include <jansson.h>
#include <stdint.h>

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

#endif
