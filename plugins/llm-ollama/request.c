/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "member.h"
#include "ollama.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Parameters that are options, where they have another name there. */
static const struct {
    const char *ours, *theirs;
} option_names[] = {
    { "temperature", NULL },
    { "top_p", NULL },
    { "top_k", NULL },
    { "min_p", NULL },
    { "typical_p", NULL },
    { "max_tokens", "num_predict" },
    { "num_predict", NULL },
    { "num_ctx", NULL },
    { "num_keep", NULL },
    { "num_batch", NULL },
    { "num_gpu", NULL },
    { "num_thread", NULL },
    { "seed", NULL },
    { "stop", NULL },
    { "repeat_penalty", NULL },
    { "repeat_last_n", NULL },
    { "presence_penalty", NULL },
    { "frequency_penalty", NULL },
    { "mirostat", NULL },
    { "mirostat_eta", NULL },
    { "mirostat_tau", NULL },
};

static int add_options(const json_t *parameters, json_t *body)
{
    EIN_JSON json_t *options = json_object();
    int r = 0;

    for (size_t i = 0; i < COUNT(option_names); i++) {
        json_t *value = json_object_get(parameters, option_names[i].ours);

        if (value)
            r |= json_object_set(
                options, option_names[i].theirs ? option_names[i].theirs : option_names[i].ours,
                value);
    }
    return json_object_size(options) ? r | json_object_set(body, "options", options) : r;
}

/* ---- thinking ---- */

/* Only some models know levels; to the others each of them says yes, or is refused, see ask(). */
static json_t *think_of_effort(const char *effort)
{
    static const struct {
        const char *effort, *level; /* NULL: it is not to think */
    } levels[] = {
        { "none", NULL },       { "disable", NULL }, { "minimal", "low" }, { "low", "low" },
        { "medium", "medium" }, { "high", "high" },  { "xhigh", "high" },  { "max", "max" },
    };

    for (size_t i = 0; effort && i < COUNT(levels); i++) {
        if (strcmp(levels[i].effort, effort) == 0)
            return levels[i].level ? json_string(levels[i].level) : json_false();
    }
    return NULL;
}

/* NULL: nobody said, or the model cannot, and refuses to be asked. */
static json_t *think_of(const struct ein_llm_call *call)
{
    const json_t *parameters = call->parameters;
    json_t *think = json_object_get(parameters, "think");
    json_t *budget = json_object_get(parameters, "thinking_budget");
    json_t *effort;

    if (json_is_false(json_object_get(call->settings, "can_reasoning")))
        return NULL;
    effort = think_of_effort(text_of(parameters, "reasoning_effort"));
    if (effort || think)
        return effort ? effort : json_incref(think);
    if (json_is_integer(budget))
        return json_boolean(json_integer_value(budget) != 0);
    return json_is_true(json_object_get(parameters, "show_thinking")) ? json_true() : NULL;
}

/* ---- tools ---- */

/* Ollama has no way to say which tool is to be called: what is not to be is left out. */
static bool is_chosen(const json_t *choice, const json_t *tool)
{
    const char *text = json_string_value(choice), *only = text_of(choice, "name");
    const char *name = text_of(tool, "name");

    if (text)
        return strcmp(text, "none") != 0;
    return !only || (name && strcmp(only, name) == 0);
}

static int add_tools(const struct ein_llm_call *call, json_t *body)
{
    EIN_JSON json_t *tools = json_array();
    json_t *tool;
    size_t at;
    int r = 0;

    json_array_foreach((json_t *)call->tools, at, tool)
    {
        if (is_chosen(call->tool_choice, tool))
            r |= json_array_append_new(
                tools, json_pack("{s:s, s:{s:O*, s:O*, s:O*}}", "type", "function", "function",
                                 "name", json_object_get(tool, "name"), "description",
                                 json_object_get(tool, "description"), "parameters",
                                 json_object_get(tool, "parameters")));
    }
    return json_array_size(tools) ? r | json_object_set(body, "tools", tools) : r;
}

/* ---- all of it ---- */

static int add_keep_alive(const json_t *parameters, const char *otherwise, json_t *body)
{
    json_t *said = json_object_get(parameters, "keep_alive");

    if (said)
        return json_object_set(body, "keep_alive", said);
    return *otherwise ? json_object_set_new(body, "keep_alive", json_string(otherwise)) : 0;
}

int ollama_request(const struct ein_llm_call *call, const char *keep_alive, json_t **ret_body,
                   struct ein_error *err)
{
    EIN_JSON json_t *messages = NULL, *body = NULL;
    json_t *think = NULL;
    int r = ollama_messages(call, &messages, err);

    if (r < 0)
        return r;
    body = json_pack("{s:s, s:O, s:b}", "model", call->model ? call->model : "", "messages",
                     messages, "stream", 1);
    r = body ? 0 : -1;
    r |= add_tools(call, body);
    r |= add_options(call->parameters, body);
    r |= add_keep_alive(call->parameters, keep_alive, body);
    if ((think = think_of(call)))
        r |= json_object_set_new(body, "think", think);
    if (call->reply_schema)
        r |= json_object_set(body, "format", (json_t *)call->reply_schema);
    if (r < 0)
        return error_no_memory(err);
    *ret_body = EIN_TAKE(body);
    return 0;
}
