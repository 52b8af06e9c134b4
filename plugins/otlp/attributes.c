/* SPDX-License-Identifier: Apache-2.0 */
#include "attributes.h"

#include <string.h>

/* Providers that OpenTelemetry knows by another name. */
static const struct {
    const char *ours, *name;
} providers[] = { { "gemini", "gcp.gemini" }, { "bedrock", "aws.bedrock" } };

json_t *number_text(int64_t number)
{
    return json_sprintf("%lld", (long long)number);
}

static json_t *value_of(const json_t *value);

static json_t *array_of(const json_t *array)
{
    json_t *values = json_array();
    json_t *value;
    size_t i;

    json_array_foreach((json_t *)array, i, value)(void)
        json_array_append_new(values, value_of(value)); /* NULL: is not appended */
    return json_pack("{s:{s:o}}", "arrayValue", "values", values);
}

static json_t *value_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_pack("{s:O}", "stringValue", value);
    case JSON_INTEGER:
        return json_pack("{s:o}", "intValue", number_text(json_integer_value(value)));
    case JSON_REAL:
        return json_pack("{s:O}", "doubleValue", value);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_pack("{s:O}", "boolValue", value);
    case JSON_ARRAY:
        return array_of(value);
    default:
        return NULL;
    }
}

static void add(json_t *attributes, const char *key, json_t *take_value)
{
    if (take_value)
        (void)json_array_append_new(attributes,
                                    json_pack("{s:s, s:o}", "key", key, "value", take_value));
}

void attribute_add(json_t *attributes, const char *key, const json_t *value)
{
    if (json_is_string(value))
        attribute_add_text(attributes, key, json_string_value(value));
    else
        add(attributes, key, value_of(value));
}

void attribute_add_text(json_t *attributes, const char *key, const char *value)
{
    for (size_t i = 0;
         strcmp(key, "gen_ai.provider.name") == 0 && i < sizeof(providers) / sizeof(providers[0]);
         i++)
        if (strcmp(value, providers[i].ours) == 0)
            value = providers[i].name;
    add(attributes, key, json_pack("{s:s}", "stringValue", value));
}
