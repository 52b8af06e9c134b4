/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"
#include "chat.h"

#include "member.h"

#include <string.h>

/* ---- tools ---- */

static int add_function(struct asking *asking, const json_t *function, const char *param)
{
    const json_t *name = json_object_get(function, "name");

    if (!json_is_string(name))
        return ask_refuse(asking, param, "A function has no 'name'.");
    return ask_add(&asking->ask->tools,
                   json_pack("{s:O, s:O*, s:O*, s:O*, s:o*}", "name", name, "description",
                             json_object_get(function, "description"), "parameters",
                             json_object_get(function, "parameters"), "strict",
                             json_object_get(function, "strict"), "cache", ask_cache(function)));
}

static int add_custom(struct asking *asking, const json_t *custom)
{
    const json_t *name = json_object_get(custom, "name");

    if (!json_is_string(name))
        return ask_refuse(asking, "tools", "A custom tool has no 'custom.name'.");
    return chat_custom(asking, custom, name);
}

/* As clients write Gemini's through this API. */
static bool is_google_search(const json_t *tool)
{
    return json_object_get(tool, "google_search") || json_object_get(tool, "googleSearch");
}

/* What is no function is a tool that the vendor has built in, in the vendor's own words. */
static int add_tool(struct asking *asking, json_t *tool)
{
    const char *type = json_string_value(json_object_get(tool, "type"));

    if (json_is_object(json_object_get(tool, "function")))
        return add_function(asking, json_object_get(tool, "function"), "tools");
    if (!type && is_google_search(tool))
        return ask_search(asking, NULL);
    if (!type || strcmp(type, "function") == 0)
        return ask_refuse(asking, "tools", "A tool has no 'function'.");
    if (strcmp(type, "custom") == 0)
        return add_custom(asking, json_object_get(tool, "custom"));
    return ask_built_in(asking, tool, "openai");
}

static int read_tools(struct asking *asking, json_t *tools)
{
    if (json_array_size(tools) > 0)
        asking->ask->tools = json_array();
    return ask_tools(asking, tools, add_tool);
}

static int read_functions(struct asking *asking, json_t *functions)
{
    json_t *function;
    size_t i;
    int r = ask_array(asking, functions, "functions", asking->limits->tools);

    asking->ask->old_functions = !asking->ask->tools && json_array_size(functions) > 0;
    json_array_foreach(functions, i, function)
    {
        if (r < 0)
            return r;
        r = add_function(asking, function, "functions");
    }
    return r;
}

static int read_web_search(struct asking *asking, json_t *options)
{
    return json_is_object(options) ? ask_search(asking, options) : 0;
}

/* ---- which of them ---- */

/* Chat completions have the name one level deeper than responses. */
static const json_t *inside(const json_t *tool)
{
    const json_t *function = json_object_get(tool, "function");
    const json_t *custom = json_object_get(tool, "custom");

    return function ? function : custom ? custom : tool;
}

static bool names(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const json_t *own = json_object_get(inside(item), "name");

        if (json_is_string(own) && strcmp(json_string_value(own), name) == 0)
            return true;
    }
    return false;
}

/* The vendor's own tools are allowed by their types. */
static bool has_type(const json_t *list, const char *type)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *its = text_of(item, "type");

        if (its && type && strcmp(its, type) == 0)
            return true;
    }
    return false;
}

/* {"type": "allowed_tools", "allowed_tools": {"mode", "tools"}}: the others are not offered. */
static int allow(struct asking *asking, const json_t *choice)
{
    const json_t *allowed = json_object_get(choice, "allowed_tools");
    const json_t *list = json_object_get(allowed ? allowed : choice, "tools");
    const json_t *mode = json_object_get(allowed ? allowed : choice, "mode");
    json_t *tools = asking->ask->tools, *built_in = asking->ask->built_in_tools;

    if (!json_is_array(list))
        return ask_refuse(asking, "tool_choice", "'allowed_tools' has no array of tools.");
    for (size_t i = json_array_size(tools); i-- > 0;) {
        const json_t *name = json_object_get(json_array_get(tools, i), "name");

        if (!names(list, json_string_value(name)))
            (void)json_array_remove(tools, i);
    }
    for (size_t i = json_array_size(built_in); i-- > 0;) {
        const json_t *tool = json_object_get(json_array_get(built_in, i), "tool");

        if (tool && !has_type(list, text_of(tool, "type")))
            (void)json_array_remove(built_in, i);
    }
    asking->ask->tool_choice =
        json_is_string(mode) ? json_incref((json_t *)mode) : json_string("auto");
    return 0;
}

/* A search by the name that it bears with completion/1; of others there is none. */
static int choose_built_in(struct asking *asking, const char *type)
{
    if (!*type || strcmp(type, "function") == 0 || strcmp(type, "custom") == 0)
        return ask_refuse(asking, "tool_choice", "'tool_choice' names no function.");
    if (strncmp(type, "web_search", strlen("web_search")) != 0)
        return ask_note(asking->ask, "The choice of the tool '%.64s' was left out.", type);
    asking->ask->tool_choice = json_pack("{s:s}", "name", "web_search");
    return asking->ask->tool_choice ? 0 : EIN_E_NO_MEMORY;
}

int chat_choice(struct asking *asking, json_t *choice)
{
    json_t *name;

    if (!choice || json_is_null(choice))
        return 0;
    if (json_is_string(choice)) {
        const char *text = json_string_value(choice);

        if (strcmp(text, "auto") != 0 && strcmp(text, "none") != 0 && strcmp(text, "required") != 0)
            return ask_refuse(asking, "tool_choice",
                              "'tool_choice' is none of auto, none, required and an object.");
        asking->ask->tool_choice = json_incref(choice);
        return 0;
    }
    if (json_object_get(choice, "allowed_tools") || json_object_get(choice, "tools"))
        return allow(asking, choice);
    name = json_object_get(inside(choice), "name");
    if (!json_is_string(name) && json_is_object(choice))
        return choose_built_in(asking, text_or_empty(choice, "type"));
    if (!json_is_string(name))
        return ask_refuse(asking, "tool_choice", "'tool_choice' names no function.");
    asking->ask->tool_choice = json_pack("{s:O}", "name", name);
    return asking->ask->tool_choice ? 0 : EIN_E_NO_MEMORY;
}

static int read_old_choice(struct asking *asking, json_t *choice)
{
    return asking->ask->tool_choice ? 0 : chat_choice(asking, choice);
}

/* ---- the form of the answer ---- */

int chat_format(const struct asking *asking, const json_t *format, json_t *schema,
                const char *param)
{
    const char *type = text_of(format, "type");

    if (type && strcmp(type, "text") == 0)
        return 0;
    if (type && strcmp(type, "json_object") == 0)
        asking->ask->reply_schema = json_pack("{s:s}", "type", "object");
    else if (type && strcmp(type, "json_schema") == 0 && json_is_object(schema))
        asking->ask->reply_schema = json_incref(schema);
    else
        return ask_refuse(asking, param,
                          "'%s' is none of text, json_object and json_schema with its schema.",
                          param);
    return asking->ask->reply_schema ? 0 : EIN_E_NO_MEMORY;
}

static int read_format(struct asking *asking, json_t *format)
{
    return chat_format(asking, format,
                       json_object_get(json_object_get(format, "json_schema"), "schema"),
                       "response_format");
}

/* ---- parameters ---- */

int chat_effort(struct asking *asking, json_t *effort)
{
    const char *text = json_string_value(effort);

    if (!text)
        return 0;
    if (strcmp(text, "none") == 0)
        return ask_parameter_new(asking->ask, "reasoning_effort", json_string("disable"));
    return ask_parameter(asking->ask, "reasoning_effort", effort);
}

static int read_reasoning(struct asking *asking, json_t *reasoning)
{
    json_t *budget = json_object_get(reasoning, "max_tokens");
    int r = 0;

    if (!json_object_get(asking->ask->parameters, "reasoning_effort"))
        r = chat_effort(asking, json_object_get(reasoning, "effort"));
    if (r >= 0 && json_is_integer(budget))
        r = ask_parameter(asking->ask, "thinking_budget", budget);
    return r;
}

static int read_stop(struct asking *asking, json_t *stop)
{
    json_t *item;
    size_t i;

    if (json_is_string(stop))
        return ask_parameter_new(asking->ask, "stop", json_pack("[O]", stop));
    if (!json_is_array(stop))
        return ask_refuse(asking, "stop", "'stop' is neither a text nor an array of texts.");
    json_array_foreach(stop, i, item)
    {
        if (!json_is_string(item))
            return ask_refuse(asking, "stop", "'stop' is neither a text nor an array of texts.");
    }
    return i > 0 ? ask_parameter(asking->ask, "stop", stop) : 0;
}

/* One answer, of text. */
static int check_count(struct asking *asking, json_t *n)
{
    if (json_is_integer(n) && json_integer_value(n) == 1)
        return 0;
    return ask_refuse(asking, "n", "'n' can only be 1: one answer to one request.");
}

static int check_media(struct asking *asking, json_t *modalities)
{
    const json_t *item;
    size_t i;

    json_array_foreach(modalities, i, item)
    {
        if (!json_is_string(item) || strcmp(json_string_value(item), "text") != 0)
            return ask_refuse(asking, "modalities", "Only text can be answered.");
    }
    return 0;
}

static int read_parallel(struct asking *asking, json_t *parallel)
{
    return json_is_false(parallel) ? ask_parameter(asking->ask, "parallel_tool_calls", parallel)
                                   : 0;
}

static int read_stream_options(struct asking *asking, json_t *options)
{
    asking->ask->with_usage = json_is_true(json_object_get(options, "include_usage"));
    return 0;
}

static const struct ask_field fields[ASK_FIELDS_MAX] = {
    { "model" }, /* these two: ask_begin() */
    { "stream" },
    { "messages", .read = chat_messages },
    { "tools", .read = read_tools },
    { "functions", .read = read_functions },
    { "web_search_options", .read = read_web_search },
    { "tool_choice", .read = chat_choice },
    { "function_call", .read = read_old_choice },
    { "response_format", .read = read_format },
    { "n", .read = check_count },
    { "modalities", .read = check_media },
    { "stop", .read = read_stop },
    { "reasoning_effort", .read = chat_effort },
    { "reasoning", .read = read_reasoning },
    { "parallel_tool_calls", .read = read_parallel },
    { "stream_options", .read = read_stream_options },
    { "store", USE_NOTHING },
    { "metadata", USE_NOTHING },
    { "prompt_cache_retention", USE_NOTHING },
    { "prompt_cache_options", USE_NOTHING },
    { "usage", USE_NOTHING }, /* OpenRouter's way to ask for what always comes */
    { "audio", USE_NOTE },
    { "logit_bias", USE_NOTE },
    { "moderation", USE_NOTE },
    { "prediction", USE_NOTE },
    { "logprobs", USE_NOTE },
    { "top_logprobs", USE_NOTE },
    { "max_completion_tokens", USE_PARAMETER, "max_tokens" },
    { "safety_identifier", USE_PARAMETER, "user" },
};

int chat_ask(const json_t *body, const struct ask_limits *limits, struct ask *ask,
             struct flaw *flaw)
{
    struct asking asking = { .ask = ask, .flaw = flaw, .limits = limits, .list = "messages" };
    int r = ask_begin_list(&asking, body);

    if (r >= 0)
        r = ask_fields(&asking, body, fields);
    ask_end(&asking);
    return r;
}
