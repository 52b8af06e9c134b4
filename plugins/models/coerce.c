/* SPDX-License-Identifier: Apache-2.0 */
#include "parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Front ends send what stands in their text fields: "4096", "true". */

enum { STOPS_MAX = 64 };

#define INTEGER_LIMIT 9007199254740992.0 /* 2^53 */

static json_t *share(const json_t *value)
{
    return json_incref((json_t *)value);
}

static bool read_number(const json_t *value, double *ret_number)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_number(value)) {
        *ret_number = json_number_value(value);
        return true;
    }
    if (!text || !*text || strpbrk(text, "xXnN")) /* hexadecimal, inf, nan */
        return false;
    *ret_number = strtod(text, &end);
    while (*end == ' ')
        end++;
    return !*end && isfinite(*ret_number);
}

static json_t *to_float(const json_t *value)
{
    double number;

    if (json_is_number(value))
        return share(value);
    return read_number(value, &number) ? json_real(number) : NULL;
}

static json_t *to_integer(const json_t *value)
{
    double number;

    if (json_is_integer(value))
        return share(value);
    if (!read_number(value, &number) || number != trunc(number) || fabs(number) > INTEGER_LIMIT)
        return NULL;
    return json_integer((json_int_t)number);
}

static json_t *to_boolean(const json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_boolean(value))
        return share(value);
    if (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 1)
        return json_boolean(json_integer_value(value));
    if (text && (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0))
        return json_true();
    return text && (strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0) ? json_false() : NULL;
}

static json_t *to_string(const json_t *value)
{
    return json_is_string(value) ? share(value) : NULL;
}

static json_t *to_choice(const json_t *choices, const json_t *value)
{
    const char *text = json_string_value(value);
    const json_t *choice;
    size_t i;

    json_array_foreach(choices, i, choice)
    {
        const char *name = json_string_value(choice);
        if (json_equal(choice, value))
            return share(choice);
        if (name && text && strcmp(name, "disable") == 0 && strcmp(text, "none") == 0)
            return share(choice); /* OpenAI's word for it */
    }
    return json_array_size(choices) == 0 ? share(value) : NULL;
}

static json_t *to_choices(const json_t *choices, const json_t *value)
{
    json_t *list = json_array();
    const json_t *one;
    size_t i;

    if (!json_is_array(value)) {
        json_t *choice = to_choice(choices, value);
        if (choice && json_array_append_new(list, choice) == 0)
            return list;
        json_decref(list);
        return NULL;
    }
    json_array_foreach(value, i, one)
    {
        json_t *choice = to_choice(choices, one);
        if (choice && json_array_append_new(list, choice) == 0)
            continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

/* One text, or some: always an array. */
static json_t *to_stop(const json_t *value)
{
    const json_t *one;
    size_t i;

    if (json_is_string(value))
        return json_pack("[O]", value);
    if (!json_is_array(value) || json_array_size(value) > STOPS_MAX)
        return NULL;
    json_array_foreach(value, i, one)
    {
        if (!json_is_string(one))
            return NULL;
    }
    return share(value);
}

json_t *parameter_coerce(const char *type, const json_t *choices, const json_t *value)
{
    static const struct {
        const char *type;
        json_t *(*coerce)(const json_t *value);
    } plain[] = {
        { "float", to_float },  { "number", to_float },  { "integer", to_integer },
        { "int", to_integer },  { "stop", to_stop },     { "boolean", to_boolean },
        { "bool", to_boolean }, { "string", to_string },
    };

    if (type && strcmp(type, "choice") == 0)
        return to_choice(choices, value);
    if (type && strcmp(type, "list_choice") == 0)
        return to_choices(choices, value);
    for (size_t i = 0; type && i < sizeof(plain) / sizeof(plain[0]); i++)
        if (strcmp(type, plain[i].type) == 0)
            return plain[i].coerce(value);
    return share(value);
}
