/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into the path, the query, the headers and the cookies of a call. */
#include "read.h"

#include <stdio.h>
#include <string.h>

enum { PARAMETER_BYTES = 40 }; /* of one, without its schema and its name */

static const char *const places[] = { "path", "query", "header", "cookie" };

static bool is_place(const char *in)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strcmp(in, places[i]) == 0)
            return true;
    }
    return false;
}

/* ---- of the path and of the operation ---- */

/* Where the operation says it anew, what it says replaces the path's.  `seen`: place and name to
 * where it is in the list. */
static void add(json_t *list, json_t *seen, json_t *parameter)
{
    EIN_JSON json_t *key =
        json_sprintf("%s %s", text_member(parameter, "in"), text_member(parameter, "name"));
    const json_t *there = json_object_get(seen, json_string_value(key));

    if (there) {
        (void)json_array_set(list, (size_t)json_integer_value(there), parameter);
    } else {
        (void)json_object_set_new(seen, json_string_value(key),
                                  json_integer((json_int_t)json_array_size(list)));
        (void)json_array_append(list, parameter);
    }
}

static void add_all(struct reading *reading, json_t *list, json_t *seen, const json_t *from)
{
    char why[WHY_SIZE];
    json_t *one;
    size_t i;

    json_array_foreach(from, i, one)
    {
        json_t *parameter;

        if (!fits(reading, PARAMETER_BYTES))
            return;
        parameter = refer(reading, one, why);
        if (!parameter)
            note(reading, "A parameter is left out: %s.", why);
        else if (*text_member(parameter, "name") &&
                 fits(reading, strlen(text_member(parameter, "name")) +
                                   strlen(text_member(parameter, "in"))))
            add(list, seen, parameter);
    }
}

json_t *parameters_merge(struct reading *reading, json_t *path, json_t *operation)
{
    EIN_JSON json_t *seen = json_object();
    json_t *list = json_array();

    add_all(reading, list, seen, json_object_get(path, "parameters"));
    add_all(reading, list, seen, json_object_get(operation, "parameters"));
    return list;
}

/* ---- as a schema ---- */

json_t *parameter_schema(struct reading *reading, json_t *parameter)
{
    json_t *schema = json_object_get(parameter, "schema");
    json_t *content = json_object_get(parameter, "content");

    if (reading->two && !schema) /* what would stand in its schema stands in the parameter */
        return schema_expand(reading, parameter);
    if (!schema && json_object_size(content) > 0)
        schema = json_object_get(json_object_iter_value(json_object_iter(content)), "schema");
    return schema ? schema_expand(reading, schema) : json_object();
}

/* The parameter's own words, where its schema is true, false or nothing as well. */
static json_t *described(struct reading *reading, json_t *parameter)
{
    EIN_JSON json_t *shared = parameter_schema(reading, parameter);
    EIN_JSON json_t *schema = json_is_object(shared) ? json_copy(shared) : json_object();
    const char *words = text_kept(reading, parameter, "description");
    static const char *const kept[] = { "style", "explode", "collectionFormat", "allowEmptyValue" };
    char name[32];

    if (*words)
        (void)json_object_set_new(schema, "description", json_string(words));
    (void)json_object_set(schema, "x-in", json_object_get(parameter, "in"));
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        json_t *value = json_object_get(parameter, kept[i]);

        (void)snprintf(name, sizeof(name), "x-%s", kept[i]);
        if (json_is_boolean(value) ||
            (json_is_string(value) && fits(reading, json_string_length(value))))
            (void)json_object_set(schema, name, value);
    }
    return EIN_TAKE(schema);
}

static void put(struct reading *reading, json_t *properties, json_t *required, json_t *parameter)
{
    const char *name = text_member(parameter, "name"), *in = text_member(parameter, "in");
    EIN_JSON json_t *schema = described(reading, parameter);
    char longer[300];

    if (json_object_get(properties, name)) {
        (void)json_object_set_new(schema, "x-name", json_string(name));
        (void)snprintf(longer, sizeof(longer), "%.*s (%s)", str_cut(name, 250), name, in);
        name = longer;
    }
    (void)json_object_set(properties, name, schema);
    if (json_is_true(json_object_get(parameter, "required")) || strcmp(in, "path") == 0)
        (void)json_array_append_new(required, json_string(name));
}

json_t *parameters_schema(struct reading *reading, json_t *parameters)
{
    json_t *properties = json_object(), *required = json_array(), *parameter;
    size_t i;

    json_array_foreach(parameters, i, parameter)
    {
        if (is_place(text_member(parameter, "in")))
            put(reading, properties, required, parameter);
    }
    return json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required",
                     required);
}
