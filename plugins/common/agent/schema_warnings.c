/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_warnings.h"

#include "cleanup.h"
#include "member.h"
#include "python_repr.h"
#include "str.h"
#include <stdbool.h>
#include <string.h>

static const char *python_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "dict";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "str";
    case JSON_INTEGER:
        return "int";
    case JSON_REAL:
        return "float";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    default:
        return "NoneType";
    }
}

/* In Python a bool is an int, and an int passes for a float; a declared integer alone is
 * held to be no bool. */
static const struct {
    const char *declared;
    const char *accepted[3];
} accepts[] = {
    { "string", { "str" } },   { "integer", { "int" } }, { "float", { "int", "float", "bool" } },
    { "boolean", { "bool" } }, { "list", { "list" } },
};

static bool fits(const json_t *value, const char *declared)
{
    for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
        if (strcmp(accepts[i].declared, declared) != 0)
            continue;
        for (size_t j = 0; j < 3 && accepts[i].accepted[j]; j++)
            if (strcmp(accepts[i].accepted[j], python_type(value)) == 0)
                return true;
        return false;
    }
    return true;
}

/* The keys of OBJECT that OTHER (may be NULL) has not, sorted, as Python prints a list. */
static char *list_keys(const json_t *object, const json_t *other, size_t *ret_count)
{
    EIN_FREE const char **keys = calloc(json_object_size(object) + 1, sizeof(*keys));
    size_t count = 0;
    const char *key;
    json_t *value;

    if (!keys)
        return NULL;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!json_object_get(other, key))
            keys[count++] = key;
    }
    qsort(keys, count, sizeof(*keys), str_compare);
    *ret_count = count;
    return python_repr_list(keys, count);
}

static int warn(json_t *warnings, json_t *take_sentence)
{
    return json_array_append_new(warnings, take_sentence);
}

static int warn_not_a_dict(json_t *warnings, const json_t *result, const json_t *schema)
{
    size_t count;
    EIN_FREE char *keys = list_keys(schema, NULL, &count);

    return !keys ? -1
                 : warn(warnings, json_sprintf("Output is not a dict (got %s). Expected keys: %s.",
                                               python_type(result), keys));
}

static int warn_of_keys(json_t *warnings, const json_t *result, const json_t *schema)
{
    size_t missing_count, extra_count;
    EIN_FREE char *missing = list_keys(schema, result, &missing_count);
    EIN_FREE char *extra = list_keys(result, schema, &extra_count);

    if (!missing || !extra)
        return -1;
    if (missing_count &&
        warn(warnings, json_sprintf("Missing required output keys: %s", missing)) < 0)
        return -1;
    if (extra_count &&
        warn(warnings, json_sprintf("Unexpected output keys not in schema: %s. The composer LLM "
                                    "may have ignored the output schema — try regenerating the "
                                    "code, or update the schema.",
                                    extra)) < 0)
        return -1;
    return 0;
}

static json_t *type_sentence(const char *key, const json_t *value, const char *declared)
{
    if (strcmp(declared, "integer") == 0 && json_is_boolean(value))
        return json_sprintf("Output '%s' is a boolean but schema declares integer.", key);
    return json_sprintf("Output '%s' has type %s but schema declares %s.", key, python_type(value),
                        declared);
}

static int warn_of_types(json_t *warnings, const json_t *result, const json_t *schema)
{
    EIN_FREE const char **keys = calloc(json_object_size(schema) + 1, sizeof(*keys));
    size_t count = 0;
    const char *key;
    json_t *type;

    if (!keys)
        return -1;
    json_object_foreach((json_t *)schema, key, type) keys[count++] = key;
    qsort(keys, count, sizeof(*keys), str_compare);

    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(result, keys[i]);
        const char *declared = text_of(schema, keys[i]);

        if (!value || !declared || fits(value, declared))
            continue;
        if (warn(warnings, type_sentence(keys[i], value, declared)) < 0)
            return -1;
    }
    return 0;
}

json_t *schema_warnings(const json_t *result, const json_t *schema)
{
    EIN_JSON json_t *warnings = NULL;
    int r;

    if (json_object_size(schema) == 0)
        return json_null();
    warnings = json_array();
    if (!warnings)
        return NULL;

    if (!json_is_object(result))
        r = warn_not_a_dict(warnings, result, schema);
    else if ((r = warn_of_keys(warnings, result, schema)) == 0)
        r = warn_of_types(warnings, result, schema);
    if (r < 0)
        return NULL;
    return json_array_size(warnings) ? EIN_TAKE(warnings) : json_null();
}
