/* SPDX-License-Identifier: Apache-2.0 */
#include "json_fits.h"

#include <string.h>

/* 1.0 is an integer, and so is every number that is too large for a fraction. */
static bool is_whole(double real)
{
    return real >= 0x1p53 || real <= -0x1p53 || (double)(json_int_t)real == real;
}

bool json_is_of(const json_t *value, const char *type)
{
    static const struct {
        const char *name;
        json_type type;
    } types[] = {
        { "object", JSON_OBJECT },   { "array", JSON_ARRAY },    { "string", JSON_STRING },
        { "integer", JSON_INTEGER }, { "number", JSON_INTEGER }, { "number", JSON_REAL },
        { "boolean", JSON_TRUE },    { "boolean", JSON_FALSE },  { "null", JSON_NULL },
    };

    bool is_known = false;

    if (!strcmp(type, "integer") && json_is_real(value))
        return is_whole(json_real_value(value));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, type) != 0)
            continue;
        if (types[i].type == json_typeof(value))
            return true;
        is_known = true;
    }
    return !is_known;
}

static bool fits_type(const json_t *type, const json_t *value)
{
    const json_t *one;
    size_t i;

    if (json_is_string(type))
        return json_is_of(value, json_string_value(type));
    json_array_foreach(type, i, one)
    {
        if (json_is_string(one) && json_is_of(value, json_string_value(one)))
            return true;
    }
    return !json_is_array(type);
}

static bool fits_enum(const json_t *among, const json_t *value)
{
    const json_t *one;
    size_t i;

    json_array_foreach(among, i, one)
    {
        if (json_equal(one, value))
            return true;
    }
    return !json_is_array(among);
}

static bool fits_object(const json_t *schema, const json_t *value)
{
    const json_t *one;
    const char *name;
    json_t *property;
    size_t i;

    json_array_foreach(json_object_get(schema, "required"), i, one)
    {
        if (json_is_string(one) && !json_object_get(value, json_string_value(one)))
            return false;
    }
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        const json_t *member = json_object_get(value, name);

        if (member && !json_fits(property, member))
            return false;
    }
    return true;
}

static bool fits_items(const json_t *schema, const json_t *value)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *one;
    size_t i;

    json_array_foreach(value, i, one)
    {
        if (!json_fits(items, one))
            return false;
    }
    return true;
}

bool json_fits(const json_t *schema, const json_t *value)
{
    const json_t *constant = json_object_get(schema, "const");

    if (!json_is_object(schema))
        return true;
    if (!value || (constant && !json_equal(constant, value)))
        return false;
    if (!fits_type(json_object_get(schema, "type"), value) ||
        !fits_enum(json_object_get(schema, "enum"), value))
        return false;
    return json_is_object(value)  ? fits_object(schema, value)
           : json_is_array(value) ? fits_items(schema, value)
                                  : true;
}
