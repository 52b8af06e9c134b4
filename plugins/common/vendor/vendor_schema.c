/* SPDX-License-Identifier: Apache-2.0 */
#include "vendor_schema.h"

#include "cleanup.h"
#include "member.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; text && i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* ---- the parameters of a tool ---- */

enum { BRANCHES_MAX = 64 }; /* of a choice that are read */

/* What must not stand at the top. */
static const char *const top[] = { "allOf", "anyOf", "oneOf", "$ref", "enum", "not" };

static bool is_plain(const json_t *schema)
{
    if (strcmp(text_or_empty(schema, "type"), "object") != 0 ||
        !json_is_object(json_object_get(schema, "properties")))
        return false;
    for (size_t i = 0; i < COUNT(top); i++)
        if (json_object_get(schema, top[i]))
            return false;
    return true;
}

/* What a "$ref" into the same schema is of; else SCHEMA itself. */
static const json_t *target_of(const json_t *root, const json_t *schema)
{
    static const char *const places[] = { "$defs", "definitions" };
    const char *ref = text_or_empty(schema, "$ref"), *slash = strrchr(ref, '/');

    for (size_t i = 0; slash && i < COUNT(places); i++) {
        size_t len = strlen(places[i]);

        if (strncmp(ref, "#/", 2) == 0 && strncmp(ref + 2, places[i], len) == 0 &&
            ref + 2 + len == slash)
            return json_object_get(json_object_get(root, places[i]), slash + 1);
    }
    return schema;
}

static bool holds(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

/* Into {name of a property: [what it is in each branch]}. */
static int add_properties(const json_t *schema, json_t *all)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(schema, "properties"), name, value)
    {
        json_t *list = json_object_get(all, name);

        if (!list && json_object_set_new(all, name, list = json_array()) < 0)
            return -1;
        if (!holds(list, value) && json_array_append(list, value) < 0)
            return -1;
    }
    return 0;
}

/* REQUIRED NULL: what one branch requires, another may not know. */
static int add_branch(const json_t *root, const json_t *branch, json_t *all, json_t *required)
{
    const json_t *schema = target_of(root, branch);
    const json_t *more = json_object_get(schema, "required");

    if (required && json_is_array(more) && json_array_extend(required, (json_t *)more) < 0)
        return -1;
    return add_properties(schema, all);
}

static int add_branches(const json_t *root, json_t *all, json_t *required)
{
    int bad = add_properties(root, all);

    if (!bad && json_object_get(root, "$ref"))
        bad = add_branch(root, root, all, required);
    for (size_t i = 0; i < 3; i++) {
        const json_t *list = json_object_get(root, top[i]);

        for (size_t k = 0; !bad && k < json_array_size(list) && k < BRANCHES_MAX; k++)
            bad = add_branch(root, json_array_get(list, k), all, i == 0 ? required : NULL);
    }
    return bad;
}

static json_t *properties_of(const json_t *all)
{
    EIN_JSON json_t *properties = json_object();
    const char *name;
    json_t *list;

    json_object_foreach((json_t *)all, name, list)
    {
        json_t *one = json_array_size(list) == 1 ? json_incref(json_array_get(list, 0))
                                                 : json_pack("{s:O}", "anyOf", list);

        if (json_object_set_new(properties, name, one) < 0)
            return NULL;
    }
    return EIN_TAKE(properties);
}

json_t *vendor_tool_schema(const json_t *parameters)
{
    const json_t *said = json_object_get(parameters, "required");
    EIN_JSON json_t *made = NULL, *all = NULL, *required = NULL;

    if (is_plain(parameters))
        return json_incref((json_t *)parameters);
    made = json_is_object(parameters) ? json_copy((json_t *)parameters) : json_object();
    all = json_object();
    required = json_is_array(said) ? json_copy((json_t *)said) : json_array();
    if (!made || !all || !required || add_branches(parameters, all, required) < 0 ||
        json_object_set_new(made, "type", json_string("object")) < 0 ||
        json_object_set_new(made, "properties", properties_of(all)) < 0 ||
        (json_array_size(required) > 0 && json_object_set(made, "required", required) < 0))
        return NULL;
    for (size_t i = 0; i < COUNT(top); i++)
        (void)json_object_del(made, top[i]);
    return EIN_TAKE(made);
}

/* ---- the schema of an answer ---- */

/* Calls `visit` with SCHEMA, or each of an array of them, and with those within it, until one
 * returns what is not 0. */
static int visit_all(json_t *schema, int (*visit)(json_t *schema))
{
    static const char *const within[] = { "items", "anyOf", "allOf", "oneOf" };
    static const char *const named[] = { "properties", "$defs", "definitions" };
    const char *name;
    json_t *value;
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(schema); i++)
        r = visit_all(json_array_get(schema, i), visit);
    if (!json_is_object(schema))
        return r;
    r = visit(schema);
    for (size_t i = 0; r == 0 && i < COUNT(within); i++)
        r = visit_all(json_object_get(schema, within[i]), visit);
    for (size_t i = 0; r == 0 && i < COUNT(named); i++) {
        json_object_foreach(json_object_get(schema, named[i]), name, value)
        {
            if (r == 0)
                r = visit_all(value, visit);
        }
    }
    return r;
}

static bool is_of_type(const json_t *schema, const char *type)
{
    return strcmp(text_or_empty(schema, "type"), type) == 0 ||
           list_has(json_object_get(schema, "type"), type);
}

static int is_open(json_t *schema)
{
    static const char *const telling[] = { "type", "anyOf", "allOf", "oneOf",
                                           "$ref", "enum",  "const" };
    const json_t *more = json_object_get(schema, "additionalProperties");
    size_t told = 0;

    for (size_t i = 0; i < COUNT(telling); i++)
        told += json_object_get(schema, telling[i]) != NULL;
    if (told == 0 || json_object_get(schema, "patternProperties") || (more && !json_is_false(more)))
        return 1;
    return is_of_type(schema, "object") && !more &&
           json_object_size(json_object_get(schema, "properties")) == 0;
}

bool vendor_schema_is_open(const json_t *schema)
{
    return visit_all((json_t *)schema, is_open) != 0;
}

static bool is_taken(const char *name, const json_t *value)
{
    static const char *const formats[] = { "date-time", "time", "date", "duration", "email",
                                           "hostname",  "uri",  "ipv4", "ipv6",     "uuid" };

    if (strcmp(name, "format") == 0)
        return is_one_of(json_string_value(value), formats, COUNT(formats));
    return strcmp(name, "minItems") == 0 && json_is_integer(value) &&
           json_integer_value(value) <= 1;
}

/* The model is told of the bounds that the vendor does not hold it to. */
static int tell(json_t *schema, const json_t *bounds)
{
    const char *before = text_or_empty(schema, "description");
    EIN_FREE char *words = json_dumps(bounds, JSON_COMPACT);

    return !words ? -1
                  : json_object_set_new(schema, "description",
                                        json_sprintf("%s%s%s", before, *before ? "\n" : "", words));
}

static int close_one(json_t *schema)
{
    static const char *const refused[] = {
        "minimum",   "maximum",  "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "minItems", "maxItems",         "uniqueItems",      "format",
    };
    EIN_JSON json_t *bounds = json_object();
    json_t *either = json_object_get(schema, "oneOf");
    int bad = !bounds;

    for (size_t i = 0; !bad && i < COUNT(refused); i++) {
        json_t *value = json_object_get(schema, refused[i]);

        if (!value || is_taken(refused[i], value))
            continue;
        bad = json_object_set(bounds, refused[i], value);
        (void)json_object_del(schema, refused[i]);
    }
    if (!bad && json_object_size(bounds) > 0)
        bad = tell(schema, bounds);
    if (!bad && is_of_type(schema, "object"))
        bad = json_object_set_new(schema, "additionalProperties", json_false());
    if (!bad && either && !json_object_get(schema, "anyOf")) {
        bad = json_object_set(schema, "anyOf", either);
        (void)json_object_del(schema, "oneOf");
    }
    return bad;
}

json_t *vendor_closed_schema(const json_t *schema)
{
    EIN_JSON json_t *made = json_deep_copy(schema);

    return !made || visit_all(made, close_one) != 0 ? NULL : EIN_TAKE(made);
}
