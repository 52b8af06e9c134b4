/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"
#include "cleanup.h"
#include "json_fits.h"

#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 8, MEMBERS_MAX = 200 };

/* What texts look like that are called so, or have such a format. */
static const struct {
    const char *word, *text;
} texts[] = {
    { "date-time", "2026-01-15T09:30:00Z" },
    { "datetime", "2026-01-15T09:30:00Z" },
    { "timestamp", "2026-01-15T09:30:00Z" },
    { "date", "2026-01-15" },
    { "email", "ada@example.org" },
    { "uuid", "6f1c2f0e-58a4-4d7e-9f0a-2f6f3c1b7a10" },
    { "uri", "https://example.org/sample" },
    { "url", "https://example.org/sample" },
    { "ipv4", "192.0.2.7" },
    { "ipv6", "2001:db8::7" },
    { "hostname", "example.org" },
    { "json", "{}" },
    { "time", "09:30:00" },
};

static const char *text_for(const char *word)
{
    for (size_t i = 0; word && i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcasestr(word, texts[i].word))
            return texts[i].text;
    return "sample text";
}

/* ---- the fields of agents ---- */

static json_t *sample_of_type(const char *field, const char *type)
{
    if (strcmp(type, "integer") == 0)
        return json_integer(3);
    if (strcmp(type, "float") == 0 || strcmp(type, "number") == 0)
        return json_real(2.5);
    if (strcmp(type, "boolean") == 0)
        return json_true();
    if (strcmp(type, "list") == 0)
        return json_pack("[s]", "sample text");
    if (strcmp(type, "json") == 0)
        return json_pack("{s:s}", "sample", "value");
    return json_string(text_for(field));
}

json_t *sample_of_fields(const json_t *fields)
{
    EIN_JSON json_t *sample = json_object();
    const char *field;
    json_t *type;

    json_object_foreach((json_t *)fields, field, type)
    {
        const char *name = json_string_value(type);
        if (json_object_set_new(sample, field, sample_of_type(field, name ? name : "json")) < 0)
            return NULL;
    }
    return EIN_TAKE(sample);
}

/* ---- JSON Schema ---- */

struct making {
    const json_t *whole;
    unsigned depth, members;
};

static json_t *make(struct making *making, const json_t *schema, const char *name);

/* "#/$defs/a" */
static const json_t *refer(const json_t *whole, const char *ref)
{
    const json_t *found = whole;

    if (ref[0] != '#')
        return NULL;
    for (ref++; *ref == '/' && found;) {
        size_t len = strcspn(++ref, "/");
        EIN_FREE char *member = strndup(ref, len);
        found = member ? json_object_get(found, member) : NULL;
        ref += len;
    }
    return found;
}

static const char *type_of(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    size_t i;
    const json_t *one;

    if (json_is_string(type))
        return json_string_value(type);
    json_array_foreach((json_t *)type, i, one)
    {
        const char *name = json_string_value(one);
        if (name && strcmp(name, "null") != 0)
            return name;
    }
    if (json_object_get(schema, "properties"))
        return "object";
    return json_object_get(schema, "items") ? "array" : "";
}

/* The value that the schema itself gives. */
static json_t *given(const json_t *schema)
{
    static const char *const members[] = { "const", "example", "default" };
    static const char *const lists[] = { "examples", "enum" };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(schema, members[i]);
        if (value && !json_is_null(value))
            return value;
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        json_t *first = json_array_get(json_object_get(schema, lists[i]), 0);
        if (first)
            return first;
    }
    return NULL;
}

static int add_properties(struct making *making, const json_t *schema, json_t *object)
{
    const char *name;
    json_t *property;

    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        json_t *value;
        if (++making->members > MEMBERS_MAX)
            return 0;
        value = make(making, property, name);
        if (!value || json_object_set_new(object, name, value) < 0)
            return -1;
    }
    return 0;
}

static json_t *make_object(struct making *making, const json_t *schema)
{
    EIN_JSON json_t *object = json_object();
    const json_t *part;
    size_t i;
    int r = object ? add_properties(making, schema, object) : -1;

    json_array_foreach(json_object_get(schema, "allOf"), i, part)
    {
        EIN_JSON json_t *more = NULL;
        if (r < 0 || ++making->members > MEMBERS_MAX) /* each may be all of them, by a reference */
            break;
        more = make(making, part, NULL);
        if (json_is_object(more))
            r = json_object_update(object, more);
    }
    return r < 0 ? NULL : EIN_TAKE(object);
}

static json_t *make_number(const json_t *schema, bool whole)
{
    const json_t *least = json_object_get(schema, "minimum"),
                 *most = json_object_get(schema, "maximum");
    double value = whole ? 3 : 2.5;

    if (json_is_number(least) && value < json_number_value(least))
        value = json_number_value(least);
    if (json_is_number(most) && value > json_number_value(most))
        value = json_number_value(most);
    if (whole && value > -1e15 && value < 1e15)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static json_t *make_of_type(struct making *making, const json_t *schema, const char *name)
{
    const char *type = type_of(schema);
    const char *format = json_string_value(json_object_get(schema, "format"));

    if (strcmp(type, "object") == 0 || json_array_size(json_object_get(schema, "allOf")))
        return make_object(making, schema);
    if (strcmp(type, "array") == 0)
        return json_pack("[o]", make(making, json_object_get(schema, "items"), name));
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return make_number(schema, *type == 'i');
    if (strcmp(type, "boolean") == 0)
        return json_true();
    if (strcmp(type, "null") == 0)
        return json_null();
    return json_string(text_for(format ? format : name));
}

static json_t *make(struct making *making, const json_t *schema, const char *name)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *one = json_array_get(json_object_get(schema, "oneOf"), 0);
    json_t *value = given(schema);

    if (value)
        return json_incref(value);
    if (!one)
        one = json_array_get(json_object_get(schema, "anyOf"), 0);
    if (ref)
        one = refer(making->whole, ref);
    if (making->depth >= DEPTH_MAX || (ref && !one))
        return json_null();
    making->depth++;
    value = one ? make(making, one, name) : make_of_type(making, schema, name);
    making->depth--;
    return value;
}

json_t *sample_of_schema(const json_t *schema, const json_t *whole)
{
    struct making making = { .whole = whole };

    return make(&making, schema, NULL);
}

/* ---- does it fit? ---- */

static json_t *fault_of_members(const json_t *schema, const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)value, name, member)
    {
        const json_t *property = json_object_get(properties, name);
        const json_t *type = json_object_get(property, "type");

        if (!property && json_is_false(json_object_get(schema, "additionalProperties")))
            return json_sprintf("there is no '%s'", name);
        if (json_is_string(type) && !json_is_null(member) &&
            !json_is_of(member, json_string_value(type)))
            return json_sprintf("'%s' is to be of the type %s", name, json_string_value(type));
    }
    return NULL;
}

json_t *sample_fault(const json_t *schema, const json_t *value)
{
    const json_t *required;
    size_t i;

    json_array_foreach(json_object_get(schema, "required"), i, required)
    {
        const char *name = json_string_value(required);
        if (name && !json_object_get(value, name))
            return json_sprintf("'%s' is missing", name);
    }
    return fault_of_members(schema, value);
}
