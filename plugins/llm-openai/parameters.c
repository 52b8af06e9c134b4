/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of the catalog's names as members of a request. */
#include "openai.h"
#include "turns.h"

#include <string.h>

enum {
    OUTPUT_MIN = 16, /* tokens that a response must be allowed */
    SHORT_MAX = 64   /* bytes of a name for a user or a cache */
};

static bool is_off(const json_t *effort)
{
    const char *text = json_string_value(effort);

    return !text || strcmp(text, "disable") == 0;
}

/* ---- reasoning ---- */

/* A summary of it is only asked for where reasoning is: not every account may see one. */
static json_t *responses_reasoning(const struct openai_request *request, const json_t *effort,
                                   const json_t *show)
{
    const char *summary = request->openai->reasoning_summary;
    bool shown = json_is_true(show) || (!is_off(effort) && !json_is_false(show));

    return json_pack("{s:O*, s:s*}", "effort", is_off(effort) ? NULL : effort, "summary",
                     shown && !request->unshown && *summary ? summary : NULL);
}

/* One of the two, not both: every model knows an effort.  A budget of 0 is none, and of -1 as the
 * model likes. */
static json_t *chat_reasoning(const json_t *parameters, const json_t *effort, const json_t *show)
{
    const json_t *budget = is_off(effort) ? json_object_get(parameters, "thinking_budget") : NULL;
    json_int_t tokens = json_integer_value(budget);

    return json_pack(
        "{s:O*, s:o*, s:O*, s:o*}", "effort", is_off(effort) ? NULL : effort, "enabled",
        json_is_integer(budget) && tokens <= 0 ? json_boolean(tokens) : NULL, "max_tokens",
        tokens > 0 ? budget : NULL, "exclude", json_is_false(show) ? json_true() : NULL);
}

static int add_reasoning(const struct openai_request *request, json_t *body)
{
    const json_t *parameters = request->call->parameters;
    json_t *effort = json_object_get(parameters, "reasoning_effort");
    const json_t *show = json_object_get(parameters, "show_thinking");
    json_t *reasoning;

    if (request->style == OPENAI_CHAT && !request->openai->reasoning_is_object)
        return is_off(effort) ? 0 : openai_put(body, "reasoning_effort", json_incref(effort));
    reasoning = request->style == OPENAI_CHAT ? chat_reasoning(parameters, effort, show)
                                              : responses_reasoning(request, effort, show);
    if (reasoning && json_object_size(reasoning) == 0) {
        json_decref(reasoning);
        return 0;
    }
    return openai_put(body, "reasoning", reasoning);
}

/* ---- the others ---- */

static int add_max_tokens(const struct openai_request *request, json_t *body, json_t *value)
{
    if (request->style == OPENAI_CHAT)
        return openai_put(body, request->openai->max_tokens_name, json_incref(value));
    return openai_put(body, "max_output_tokens",
                      json_integer_value(value) < OUTPUT_MIN ? json_integer(OUTPUT_MIN)
                                                             : json_incref(value));
}

/* A member of "text", which may be there already. */
static int add_to_text(json_t *body, const char *name, json_t *value)
{
    json_t *text = json_object_get(body, "text");

    if (text)
        return openai_put(text, name, json_incref(value));
    return openai_put(body, "text", json_pack("{s:O}", name, value));
}

static int add_verbosity(const struct openai_request *request, json_t *body, json_t *value)
{
    return request->style == OPENAI_CHAT ? openai_put(body, "verbosity", json_incref(value))
                                         : add_to_text(body, "verbosity", value);
}

static int add_format(const struct openai_request *request, json_t *body, json_t *value)
{
    if (request->call->reply_schema)
        return 0;
    return request->style == OPENAI_CHAT || request->openai->schema_is_format
               ? openai_put(body, "response_format", json_incref(value))
               : add_to_text(body, "format", value);
}

/* Without tools, it is an error to speak of them. */
static int add_parallel(const struct openai_request *request, json_t *body, json_t *value)
{
    return json_array_size(request->call->tools)
               ? openai_put(body, "parallel_tool_calls", json_incref(value))
               : 0;
}

static int add_short(json_t *body, const char *name, json_t *value)
{
    const char *text = json_string_value(value);
    char made[TURNS_ID_SIZE];

    return openai_put(body, name,
                      text ? json_string(turns_short_id(text, SHORT_MAX, name, made))
                           : json_incref(value));
}

static int add_user(const struct openai_request *request, json_t *body, json_t *value)
{
    (void)request;
    return add_short(body, "user", value);
}

static int add_cache_key(const struct openai_request *request, json_t *body, json_t *value)
{
    (void)request;
    return add_short(body, "prompt_cache_key", value);
}

static int add_nothing(const struct openai_request *request, json_t *body, json_t *value)
{
    (void)request;
    (void)body;
    (void)value;
    return 0;
}

static int add_budget(const struct openai_request *request, json_t *body, json_t *value)
{
    return request->openai->reasoning_is_object
               ? 0
               : openai_put(body, "thinking_budget", json_incref(value));
}

/* All others are sent as they are. */
static const struct {
    const char *name;
    int (*add)(const struct openai_request *request, json_t *body, json_t *value);
} known[] = {
    { "max_tokens", add_max_tokens },
    { "verbosity", add_verbosity },
    { "response_format", add_format },
    { "parallel_tool_calls", add_parallel },
    { "thinking_budget", add_budget },
    { "user", add_user },
    { "prompt_cache_key", add_cache_key },
    { "reasoning_effort", add_nothing }, /* see add_reasoning() */
    { "show_thinking", add_nothing },
    { "stream", add_nothing },
};

static int add_parameter(const struct openai_request *request, json_t *body, const char *name,
                         json_t *value)
{
    if (json_is_null(value))
        return 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].add(request, body, value);
    }
    return openai_put(body, name, json_incref(value));
}

int openai_add_parameters(const struct openai_request *request, json_t *body)
{
    const char *name;
    json_t *value;
    int r = add_reasoning(request, body);

    json_object_foreach((json_t *)request->call->parameters, name, value)
    {
        if (r == 0)
            r = add_parameter(request, body, name, value);
    }
    return r;
}
