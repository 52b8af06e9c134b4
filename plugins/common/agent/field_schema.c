/* SPDX-License-Identifier: Apache-2.0 */
#include "field_schema.h"

#include "cleanup.h"
#include "member.h"
#include <string.h>

static const struct {
    const char *declared, *type;
} types[] = {
    { "string", "string" },   { "integer", "integer" }, { "float", "number" },
    { "boolean", "boolean" }, { "list", "array" },
};

static json_t *type_schema(const json_t *declared)
{
    const char *name = json_string_value(declared);

    if (json_is_object(declared))
        return json_incref((json_t *)declared);
    for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].declared, name) == 0)
            return json_pack("{s:s}", "type", types[i].type);
    return json_object();
}

static bool is_schema(const json_t *fields)
{
    const char *type = text_of(fields, "type");

    return type && strcmp(type, "object") == 0 &&
           json_is_object(json_object_get(fields, "properties"));
}

json_t *field_schema(const json_t *fields, bool required)
{
    EIN_JSON json_t *properties = json_object();
    EIN_JSON json_t *names = json_array();
    const char *field;
    json_t *declared;

    if (is_schema(fields))
        return json_incref((json_t *)fields);
    json_object_foreach((json_t *)fields, field, declared)
    {
        if (json_object_set_new(properties, field, type_schema(declared)) < 0 ||
            json_array_append_new(names, json_string(field)) < 0)
            return NULL;
    }
    if (!properties || !names)
        return NULL;
    return json_pack("{s:s, s:O*, s:O*, s:b}", "type", "object", "properties",
                     json_object_size(properties) > 0 ? properties : NULL, "required",
                     required && json_array_size(names) > 0 ? names : NULL, "additionalProperties",
                     1);
}
