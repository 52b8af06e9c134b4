/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "json_depth.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Of JSON in a text. */
enum { TEXT_DEPTH_MAX = 60, TEXT_VALUES_MAX = 1000000 };

/* ---- parameters: text fields send text ---- */

/* Each gives a new reference, or NULL: VALUE is no such thing. */

static json_t *as_text(const json_t *value)
{
    EIN_FREE char *text = NULL;

    if (json_is_string(value))
        return json_incref((json_t *)value);
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    return text ? json_string(text) : NULL;
}

static json_t *as_integer(const json_t *value)
{
    const char *text = json_string_value(value);
    double real = json_real_value(value);
    char *end;

    if (json_is_integer(value))
        return json_incref((json_t *)value);
    if (json_is_real(value))
        return real == floor(real) && fabs(real) < 0x1p53 ? json_integer((json_int_t)real) : NULL;
    if (!text)
        return NULL;
    errno = 0;
    json_int_t number = strtoll(text, &end, 10);
    return errno == 0 && end != text && !*end ? json_integer(number) : NULL;
}

static json_t *as_float(const json_t *value)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_number(value))
        return json_incref((json_t *)value);
    if (!text)
        return NULL;
    double number = strtod(text, &end);
    return end != text && !*end && isfinite(number) ? json_real(number) : NULL;
}

static json_t *as_boolean(const json_t *value)
{
    static const char *const words[2][4] = { { "false", "0", "no", "off" },
                                             { "true", "1", "yes", "on" } };
    const char *text = json_string_value(value);

    if (json_is_boolean(value))
        return json_incref((json_t *)value);
    for (int truth = 0; text && truth < 2; truth++)
        for (size_t i = 0; i < 4; i++)
            if (strcasecmp(text, words[truth][i]) == 0)
                return json_boolean(truth);
    return NULL;
}

/* What nests too deeply, or has too many values, stays a text. */
static json_t *as_json(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    bool readable = text && !json_deeper_than(text, len, TEXT_DEPTH_MAX) &&
                    !json_more_values_than(text, len, TEXT_VALUES_MAX);
    json_t *parsed = readable ? json_loadb(text, len, JSON_DECODE_ANY, NULL) : NULL;

    return parsed ? parsed : json_incref((json_t *)value);
}

static json_t *as_list(const json_t *value)
{
    json_t *json = as_json(value);

    if (json_is_array(json))
        return json;
    json_decref(json);
    return NULL;
}

static const struct {
    const char *name, *noun;
    json_t *(*as)(const json_t *value);
} types[] = {
    { "string", "a text", as_text },   { "integer", "an integer", as_integer },
    { "float", "a number", as_float }, { "boolean", "true or false", as_boolean },
    { "list", "a list", as_list },     { "json", "JSON", as_json },
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

/* Nothing was put into the field. */
static bool is_unset(const json_t *value, const char *type)
{
    bool is_text = type && strcmp(type, "string") == 0;

    return json_is_null(value) ||
           (type && !is_text && json_is_string(value) && json_string_length(value) == 0);
}

static int add(json_t *input, const char *name, const json_t *value, const char *type,
               struct ein_error *err)
{
    size_t i = 0;

    if (is_unset(value, type))
        return 0;
    while (i < TYPES && !(type && strcmp(types[i].name, type) == 0))
        i++;
    json_t *made = i < TYPES ? types[i].as(value) : json_incref((json_t *)value);
    if (!made)
        return error_set(err, EIN_E_INVALID, "The agent's parameter '%.100s' is not %s.", name,
                         types[i].noun);
    return json_object_set_new(input, name, made) < 0 ? error_no_memory(err) : 0;
}

/* ---- the last message ---- */

static const json_t *last_of_user(const json_t *messages)
{
    for (size_t i = json_array_size(messages); i > 0; i--) {
        const json_t *message = json_array_get(messages, i - 1);
        const char *role = json_string_value(json_object_get(message, "role"));

        if (role && strcmp(role, "user") == 0)
            return json_object_get(message, "content");
    }
    return NULL;
}

/* The texts among the parts, joined. */
static json_t *text_of(const json_t *content)
{
    EIN_BUF struct buf text = BUF_INIT;
    const json_t *part;
    size_t i;

    if (json_is_string(content))
        return json_incref((json_t *)content);
    json_array_foreach(content, i, part)
    {
        const char *more = json_string_value(json_object_get(part, "text"));
        const char *type = json_string_value(json_object_get(part, "type"));

        if (more && type && strcmp(type, "text") == 0)
            (void)buf_text(&text, more);
    }
    return text.error ? NULL : json_string(buf_str(&text));
}

int input_make(const json_t *schema, const json_t *parameters, const json_t *messages,
               json_t **ret_input, struct ein_error *err)
{
    EIN_JSON json_t *input = json_object();
    const json_t *content = last_of_user(messages);
    const char *name;
    json_t *value;

    if (!content)
        return error_set(err, EIN_E_INVALID, "No user message found to run the agent with.");
    if (!input)
        return error_no_memory(err);
    json_object_foreach((json_t *)parameters, name, value)
    {
        int r = add(input, name, value, json_string_value(json_object_get(schema, name)), err);

        if (r < 0)
            return r;
    }
    if (json_object_set_new(input, "inputText", text_of(content)) < 0)
        return error_no_memory(err);
    *ret_input = EIN_TAKE(input);
    return 0;
}
