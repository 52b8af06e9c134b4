/* SPDX-License-Identifier: Apache-2.0 */
#include "details.h"

#include "member.h"

#include <einion/plugin.h>
#include <stdlib.h>
#include <string.h>

/* What grows in a detail of each type. */
static const struct {
    const char *type, *field;
} fields[] = {
    { "reasoning.text", "text" },
    { "reasoning.summary", "summary" },
    { "reasoning.encrypted", "data" },
};

void details_init(struct details *details, size_t text_max)
{
    *details = (struct details){ .text_max = text_max };
}

void details_done(struct details *details)
{
    for (size_t i = 0; i < details->count; i++) {
        json_decref(details->list[i].members);
        buf_done(&details->list[i].text);
    }
    free(details->list);
}

static const char *type_of(const json_t *detail)
{
    return text_or_empty(detail, "type");
}

static const char *field_of(const json_t *detail)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].type, type_of(detail)) == 0)
            return fields[i].field;
    }
    return NULL;
}

const json_t *details_text(const json_t *delta)
{
    const json_t *text = json_object_get(delta, "text");

    return text ? text : json_object_get(delta, "summary");
}

/* Pieces of one detail follow each other; they share its type and its index, if there is one. */
static struct detail *current(const struct details *details, const json_t *delta)
{
    struct detail *last = details->count ? &details->list[details->count - 1] : NULL;
    const json_t *index = json_object_get(delta, "index");

    if (!last || strcmp(type_of(last->members), type_of(delta)) != 0)
        return NULL;
    if (!index || json_equal(json_object_get(last->members, "index"), index))
        return last;
    return NULL;
}

static struct detail *begin(struct details *details, const json_t *delta)
{
    struct detail *list = realloc(details->list, (details->count + 1) * sizeof(*list));

    if (!list)
        return NULL;
    details->list = list;
    list += details->count++;
    *list = (struct detail){ .members = json_object(), .field = field_of(delta) };
    buf_init(&list->text, details->text_max);
    return list;
}

static int take_member(struct detail *detail, const char *name, json_t *value)
{
    if (detail->field && strcmp(detail->field, name) == 0 && json_is_string(value))
        return buf_add(&detail->text, json_string_value(value), json_string_length(value));
    if (json_is_null(value) && json_object_get(detail->members, name))
        return 0;
    return json_object_set(detail->members, name, value) ? EIN_E_NO_MEMORY : 0;
}

int details_add(struct details *details, const json_t *delta)
{
    struct detail *detail = current(details, delta);
    const char *name;
    json_t *value;
    int r = 0;

    if (!json_is_object(delta))
        return 0;
    if (!detail && details->count == DETAILS_MAX)
        return EIN_E_TOO_LARGE;
    if (!detail && !(detail = begin(details, delta)))
        return EIN_E_NO_MEMORY;
    json_object_foreach((json_t *)delta, name, value)
    {
        if (r == 0)
            r = take_member(detail, name, value);
    }
    return r;
}

json_t *details_json(const struct details *details)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < details->count; i++) {
        const struct detail *detail = &details->list[i];
        json_t *made = json_copy(detail->members);

        if (!made || (detail->text.len &&
                      json_object_set_new(made, detail->field, json_string(detail->text.data)))) {
            json_decref(made);
            json_decref(array);
            return NULL;
        }
        if (json_array_append_new(array, made)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}
