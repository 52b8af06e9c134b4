/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "error.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 2000, TOKENS_MAX = 1000000000, DOLLARS_MAX = 1000000 };

typedef int check_fn(struct check *check, const json_t *value);
struct member {
    const char *name;
    check_fn *is;
};

/* ---- where, and what is wrong there ---- */

size_t check_enter(struct check *check, const char *name)
{
    size_t mark = strlen(check->path);

    (void)snprintf(check->path + mark, sizeof(check->path) - mark, "%s%s", mark ? "." : "", name);
    return mark;
}

void check_leave(struct check *check, size_t mark)
{
    check->path[mark] = '\0';
}

int check_fail(struct check *check, const char *fmt, ...)
{
    char text[YAML_PLACE_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return error_set(check->err, EIN_E_INVALID, "%s", text);
}

static const struct member *member_find(const struct member *members, const char *name)
{
    for (; members->name; members++)
        if (strcmp(members->name, name) == 0)
            return members;
    return NULL;
}

/* VALUE is an object of these members. */
static int check_members(struct check *check, const json_t *value, const struct member *members)
{
    const char *name;
    json_t *item;
    int r = 0;

    if (!json_is_object(value))
        return check_fail(check, "is not an object");
    json_object_foreach((json_t *)value, name, item)
    {
        const struct member *member = member_find(members, name);
        size_t mark = check_enter(check, name);

        r = member ? member->is(check, item) : check_fail(check, "is not known here");
        if (r < 0)
            return r;
        check_leave(check, mark);
    }
    return 0;
}

/* ---- values ---- */

static int is_anything(struct check *check, const json_t *value)
{
    (void)check;
    (void)value;
    return 0;
}

static int is_object(struct check *check, const json_t *value)
{
    return json_is_object(value) ? 0 : check_fail(check, "is not an object");
}

static int is_text(struct check *check, const json_t *value)
{
    if (!json_is_string(value))
        return check_fail(check, "is not text");
    if (json_string_length(value) > TEXT_MAX)
        return check_fail(check, "is longer than %d bytes", TEXT_MAX);
    return 0;
}

static int is_flag(struct check *check, const json_t *value)
{
    return json_is_boolean(value) ? 0 : check_fail(check, "is neither true nor false");
}

static int is_number(struct check *check, const json_t *value)
{
    return json_is_number(value) ? 0 : check_fail(check, "is not a number");
}

static int is_tokens(struct check *check, const json_t *value)
{
    json_int_t tokens = json_integer_value(value);

    if (!json_is_integer(value) || tokens < 1 || tokens > TOKENS_MAX)
        return check_fail(check, "is not a number of tokens from 1 to %d", TOKENS_MAX);
    return 0;
}

static int is_percent(struct check *check, const json_t *value)
{
    json_int_t percent = json_integer_value(value);

    if (!json_is_integer(value) || percent < 1 || percent > 10000)
        return check_fail(check, "is not a number from 1 to 10000");
    return 0;
}

static int each_item(struct check *check, const json_t *value, check_fn *is)
{
    size_t i;
    json_t *item;

    if (!json_is_array(value))
        return check_fail(check, "is not a list");
    json_array_foreach((json_t *)value, i, item)
    {
        int r = is(check, item);
        if (r < 0)
            return r;
    }
    return 0;
}

static int is_texts(struct check *check, const json_t *value)
{
    return each_item(check, value, is_text);
}

static int is_word(struct check *check, const json_t *value, const char *const *words)
{
    const char *text = json_string_value(value);

    for (size_t i = 0; text && words[i]; i++)
        if (strcmp(text, words[i]) == 0)
            return 0;
    return check_fail(check, "%.100s is none of those that there are", text ? text : "a value");
}

static int is_medium(struct check *check, const json_t *value)
{
    static const char *const media[] = { "text", "image", "audio", "video", "pdf", NULL };
    return is_word(check, value, media);
}

static int is_media(struct check *check, const json_t *value)
{
    return each_item(check, value, is_medium);
}

/* ---- prices ---- */

static int is_dollars(struct check *check, const json_t *value)
{
    double dollars = json_number_value(value), nano = dollars * 1e9;

    if (!json_is_number(value) || dollars < 0 || dollars > DOLLARS_MAX)
        return check_fail(check, "is not a price in dollars from 0 to %d", DOLLARS_MAX);
    if (fabs(nano - round(nano)) > 1e-3 + nano * 5e-16) /* what a double has no room for */
        return check_fail(check, "has more than nine decimals");
    return 0;
}

static int is_date(struct check *check, const json_t *value)
{
    static const char form[] = "0000-00-00";
    const char *text = json_string_value(value);

    if (!text || strlen(text) != strlen(form))
        return check_fail(check, "is not a date such as 2026-07-02");
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return check_fail(check, "is not a date such as 2026-07-02");
    return 0;
}

static int is_price(struct check *check, const json_t *value)
{
    static const struct member members[] = {
        { "input", is_dollars },
        { "output", is_dollars },
        { "cache_read", is_dollars },
        { "cache_write", is_dollars },
        { "cache_write_1h", is_dollars },
        { "reasoning", is_dollars },
        { "input_audio", is_dollars },
        { "citation", is_dollars },
        { "request", is_dollars },
        { "search", is_dollars },
        { "input_above_200k", is_dollars },
        { "output_above_200k", is_dollars },
        { "cache_read_above_200k", is_dollars },
        { "cache_write_above_200k", is_dollars },
        { "source", is_text },
        { "date", is_date },
        { NULL, NULL },
    };
    static const char *const needed[] = { "input", "output" };
    int r = check_members(check, value, members);

    for (size_t i = 0; r >= 0 && i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!json_object_get(value, needed[i]))
            r = check_fail(check, "has no %s", needed[i]);
    return r;
}

/* ---- parameters ---- */

static int is_type(struct check *check, const json_t *value)
{
    static const char *const types[] = { "float",   "integer", "choice", "list_choice",
                                         "boolean", "string",  NULL };
    return is_word(check, value, types);
}

static bool has(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *item;

    json_array_foreach((json_t *)list, i, item)
    {
        if (json_equal(item, value))
            return true;
    }
    return false;
}

static bool in_range(const json_t *parameter, const json_t *value)
{
    const json_t *min = json_object_get(parameter, "min"), *max = json_object_get(parameter, "max");
    double number = json_number_value(value);

    return (!min || number >= json_number_value(min)) && (!max || number <= json_number_value(max));
}

static bool are_choices(const json_t *choices, const json_t *value)
{
    size_t i;
    json_t *item;

    json_array_foreach((json_t *)value, i, item)
    {
        if (!has(choices, item))
            return false;
    }
    return json_is_array(value);
}

static bool fits(const json_t *parameter, const char *type, const json_t *value)
{
    const json_t *choices = json_object_get(parameter, "choices");

    if (!value || json_is_null(value))
        return true;
    if (strcmp(type, "integer") == 0)
        return json_is_integer(value) && in_range(parameter, value);
    if (strcmp(type, "float") == 0)
        return json_is_number(value) && in_range(parameter, value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "choice") == 0)
        return has(choices, value);
    if (strcmp(type, "list_choice") == 0)
        return are_choices(choices, value);
    return json_is_string(value);
}

static int check_range(struct check *check, const json_t *parameter, const char *type)
{
    const json_t *min = json_object_get(parameter, "min"), *max = json_object_get(parameter, "max");
    const json_t *step = json_object_get(parameter, "step");

    if (strcmp(type, "integer") == 0 && !json_is_integer(max))
        return check_fail(check, "is an integer without an integer as its max");
    if (min && max && json_number_value(min) > json_number_value(max))
        return check_fail(check, "has a min above its max");
    if (step && json_number_value(step) <= 0)
        return check_fail(check, "has a step that is not above 0");
    return 0;
}

static int is_parameter(struct check *check, const json_t *value)
{
    static const struct member members[] = {
        { "type", is_type },
        { "default", is_anything },
        { "min", is_number },
        { "max", is_number },
        { "step", is_number },
        { "choices", is_texts },
        { "description", is_text },
        { "mutually_exclusive_with", is_texts },
        { NULL, NULL },
    };
    int r = check_members(check, value, members);
    const char *type = json_string_value(json_object_get(value, "type"));

    if (r < 0)
        return r;
    if (!type)
        return check_fail(check, "has no type");
    if (strstr(type, "choice") && json_array_size(json_object_get(value, "choices")) == 0)
        return check_fail(check, "has no choices");
    r = check_range(check, value, type);
    if (r >= 0 && !fits(value, type, json_object_get(value, "default")))
        r = check_fail(check, "has a default that it does not allow itself");
    return r;
}

static bool is_set(const json_t *parameters, const char *name)
{
    const json_t *value = json_object_get(json_object_get(parameters, name), "default");

    return value && !json_is_null(value);
}

static int check_exclusions(struct check *check, const json_t *parameters, const char *name)
{
    const json_t *others =
        json_object_get(json_object_get(parameters, name), "mutually_exclusive_with");
    size_t i;
    json_t *other;

    json_array_foreach((json_t *)others, i, other)
    {
        const char *text = json_string_value(other);
        if (is_set(parameters, name) && is_set(parameters, text))
            return check_fail(check, "%s and %s exclude each other, and both have a default", name,
                              text);
    }
    return 0;
}

static int are_parameters(struct check *check, const json_t *value)
{
    const char *name;
    json_t *item;
    int r = json_is_object(value) ? 0 : check_fail(check, "is not an object");

    json_object_foreach((json_t *)value, name, item)
    {
        size_t mark = check_enter(check, name);

        r = is_parameter(check, item);
        if (r >= 0)
            r = check_exclusions(check, value, name);
        if (r < 0)
            return r;
        check_leave(check, mark);
    }
    return r;
}

/* ---- tools of the vendor ---- */

/* What a search of the web can be told, and whether it works beside functions. */
static int is_search_word(struct check *check, const json_t *value)
{
    static const char *const words[] = { "allowed_domains", "blocked_domains",
                                         "max_uses",        "context_size",
                                         "location",        "live",
                                         "functions",       NULL };
    return is_word(check, value, words);
}

static int is_search(struct check *check, const json_t *value)
{
    return each_item(check, value, is_search_word);
}

static int is_tool(struct check *check, const json_t *value)
{
    static const struct member members[] = {
        { "id", is_text },
        { "description", is_text },
        { "tool_config", is_object },
        { "web_search", is_search },
        { NULL, NULL },
    };
    int r = check_members(check, value, members);

    if (r >= 0 && !json_object_get(value, "id"))
        r = check_fail(check, "has no id");
    if (r >= 0 && !json_object_get(value, "tool_config"))
        r = check_fail(check, "has no tool_config");
    return r;
}

static int are_tools(struct check *check, const json_t *value)
{
    return each_item(check, value, is_tool);
}

/* ---- the whole ---- */

static int are_limits(struct check *check, const json_t *value)
{
    static const struct member members[] = {
        { "context", is_tokens },  { "input", is_tokens }, { "output", is_tokens },
        { "thinking", is_tokens }, { NULL, NULL },
    };
    return check_members(check, value, members);
}

static int are_modalities(struct check *check, const json_t *value)
{
    static const struct member members[] = { { "input", is_media },
                                             { "output", is_media },
                                             { NULL, NULL } };
    return check_members(check, value, members);
}

static int is_embedding(struct check *check, const json_t *value)
{
    static const struct member members[] = { { "dimensions", is_tokens }, { NULL, NULL } };
    return check_members(check, value, members);
}

static const struct member model_members[] = {
    { "description", is_text },
    { "api_style", is_text },
    { "context_window", is_tokens },
    { "limits", are_limits },
    { "modalities", are_modalities },
    { "returns_thoughts", is_flag },
    { "supports_effort", is_flag },
    { "supports_thinking", is_flag },
    { "can_tool_call", is_flag },
    { "can_structured_output", is_flag },
    { "can_reasoning", is_flag },
    { "can_attachment", is_flag },
    { "parameters", are_parameters },
    { "built_in_tools", are_tools },
    { "price", is_price },
    { "time_percent", is_percent },
    { "wire", is_object },
    { "extra_body", is_object },
    { "embedding", is_embedding },
    { NULL, NULL },
};

bool check_knows(const char *member)
{
    return member_find(model_members, member) != NULL;
}

int check_model(struct check *check, const json_t *model)
{
    return check_members(check, model, model_members);
}

static int check_tool_table(struct check *check, const json_t *value)
{
    static const struct member members[] = { { "description", is_text },
                                             { "tool_config", is_object },
                                             { "web_search", is_search },
                                             { NULL, NULL } };
    const char *name;
    json_t *item;
    int r = is_object(check, value);

    json_object_foreach((json_t *)value, name, item)
    {
        size_t mark = check_enter(check, name);

        r = check_members(check, item, members);
        if (r >= 0 && !json_object_get(item, "tool_config"))
            r = check_fail(check, "has no tool_config");
        if (r < 0)
            return r;
        check_leave(check, mark);
    }
    return r;
}

int check_provider(struct check *check, const json_t *provider)
{
    static const struct member members[] = {
        { "note", is_anything },
        { "api_key_env_var", is_text },
        { "other_key_env_vars", is_texts },
        { "built_in_tools", check_tool_table },
        { "defaults", is_object },
        { "models", is_object },
        { NULL, NULL },
    };
    return check_members(check, provider, members);
}
