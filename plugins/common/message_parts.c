/* SPDX-License-Identifier: Apache-2.0 */
#include "message_parts.h"

#include "cleanup.h"
#include "member.h"
#include <stdbool.h>
#include <string.h>

enum { FAULTS_MAX = 20 /* that one answer lists */ };

enum need { NEED_TEXT, NEED_OBJECT, NEED_TEXT_OR_LIST };

/* What a part is made of; see llm_provider/1. */
static const struct part_type {
    const char *type, *role; /* role NULL: anybody's */
    struct {
        const char *name;
        enum need need;
    } needs[3];
    const char *one_of[2]; /* texts, of which there is one */
} part_types[] = {
    { "text", NULL, { { "text", NEED_TEXT } }, { NULL } },
    { "image", "user", { { NULL } }, { "data", "url" } },
    { "file", "user", { { NULL } }, { "data", "url" } },
    { "tool_call",
      "assistant",
      { { "id", NEED_TEXT }, { "name", NEED_TEXT }, { "arguments", NEED_OBJECT } },
      { NULL } },
    { "thought", "assistant", { { "text", NEED_TEXT } }, { NULL } },
    { "tool_result", "user", { { "id", NEED_TEXT }, { "content", NEED_TEXT_OR_LIST } }, { NULL } },
};

static const struct {
    const char *type, *text;
} need_faults[] = {
    [NEED_TEXT] = { "string_type", "Input should be a valid string" },
    [NEED_OBJECT] = { "dict_type", "Input should be a valid dictionary" },
    [NEED_TEXT_OR_LIST] = { "string_type", "Input should be a valid string" },
};

struct place { /* of a part; at: -1, it is the content itself */
    json_t *faults;
    size_t message;
    json_int_t at;
};

/* NAME and TAKE_TEXT may be NULL, which is no memory for the latter. */
static int fault(const struct place *place, const char *name, const char *type, json_t *take_text,
                 const json_t *input)
{
    EIN_JSON json_t *text = take_text;
    EIN_JSON json_t *loc =
        json_pack("[s, s, I, s]", "body", "messages", (json_int_t)place->message, "content");

    if (json_array_size(place->faults) >= FAULTS_MAX)
        return 0;
    if (place->at >= 0)
        (void)json_array_append_new(loc, json_integer(place->at));
    if (name)
        (void)json_array_append_new(loc, json_string(name));
    return json_array_append_new(place->faults,
                                 json_pack("{s:s, s:O, s:O, s:O}", "type", type, "loc", loc, "msg",
                                           text, "input", (json_t *)input));
}

static bool fits(enum need need, const json_t *value)
{
    switch (need) {
    case NEED_TEXT:
        return json_is_string(value);
    case NEED_OBJECT:
        return json_is_object(value);
    case NEED_TEXT_OR_LIST:
        return json_is_string(value) || json_is_array(value);
    }
    return false;
}

static int check_member(const struct place *place, const json_t *part, const char *name,
                        enum need need)
{
    const json_t *value = json_object_get(part, name);

    if (!value)
        return fault(place, name, "missing", json_string("Field required"), part);
    return fits(need, value) ? 0
                             : fault(place, name, need_faults[need].type,
                                     json_string(need_faults[need].text), value);
}

static const struct part_type *type_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof(part_types) / sizeof(part_types[0]); i++)
        if (strcmp(part_types[i].type, name) == 0)
            return &part_types[i];
    return NULL;
}

static int check_one_of(const struct place *place, const json_t *part, const struct part_type *type)
{
    const json_t *first = json_object_get(part, type->one_of[0]);
    const json_t *second = json_object_get(part, type->one_of[1]);

    if (json_is_string(first) != json_is_string(second))
        return 0;
    return fault(place, NULL, "value_error",
                 json_sprintf("Value error, A part of type '%s' has either '%s' or '%s'.",
                              type->type, type->one_of[0], type->one_of[1]),
                 part);
}

static int check_part(const struct place *place, const json_t *part, const char *role)
{
    const struct part_type *type = type_named(text_of(part, "type"));
    int r = 0;

    if (!json_is_object(part))
        return fault(place, NULL, "dict_type", json_string("Input should be a valid dictionary"),
                     part);
    if (!type)
        return fault(place, "type", "literal_error",
                     json_string("Input should be 'text', 'image', 'file', 'tool_call', 'thought' "
                                 "or 'tool_result'"),
                     part);
    if (type->role && strcmp(type->role, role) != 0)
        return fault(
            place, NULL, "value_error",
            json_sprintf("Value error, A part of type '%s' is the %s's.", type->type, type->role),
            part);
    for (size_t i = 0; r == 0 && i < 3 && type->needs[i].name; i++)
        r = check_member(place, part, type->needs[i].name, type->needs[i].need);
    return r == 0 && type->one_of[0] ? check_one_of(place, part, type) : r;
}

static int check_content(struct place *place, const json_t *content, const char *role)
{
    const json_t *part;
    size_t i;
    int r = 0;

    if (json_is_string(content))
        return 0;
    if (!json_is_array(content))
        return fault(place, NULL, "string_type", json_string("Input should be a valid string"),
                     content ? content : json_null());
    json_array_foreach(content, i, part)
    {
        place->at = (json_int_t)i;
        if (r == 0)
            r = check_part(place, part, role);
    }
    return r;
}

json_t *message_parts_faults(const json_t *messages)
{
    EIN_JSON json_t *faults = json_array();
    const json_t *message;
    size_t i;

    json_array_foreach(messages, i, message)
    {
        struct place place = { faults, i, -1 };

        if (check_content(&place, json_object_get(message, "content"), text_of(message, "role")) <
            0)
            return NULL;
    }
    return EIN_TAKE(faults);
}
