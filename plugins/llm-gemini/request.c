/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "gemini.h"
#include "member.h"
#include "vendor_schema.h"

#include <ctype.h>
#include <string.h>

/* Members of generationConfig, and of the request itself. */
struct name {
    const char *ours, *theirs;
};
static const struct name generation_names[] = {
    { "temperature", "temperature" },
    { "top_p", "topP" },
    { "top_k", "topK" },
    { "max_tokens", "maxOutputTokens" },
    { "stop", "stopSequences" },
    { "seed", "seed" },
    { "presence_penalty", "presencePenalty" },
    { "frequency_penalty", "frequencyPenalty" },
    { "media_resolution", "mediaResolution" },
    { "response_modalities", "responseModalities" },
    { "image_config", "imageConfig" },
    { "speech_config", "speechConfig" },
};
static const struct name request_names[] = {
    { "safety_settings", "safetySettings" },
    { "cached_content", "cachedContent" },
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Into `to`, with its reference; NULL is left out. */
static int set(json_t *to, const char *name, json_t *value)
{
    return value ? json_object_set(to, name, value) : 0;
}

static int set_named(json_t *to, const struct name *names, size_t count, const json_t *parameters)
{
    int r = 0;

    for (size_t i = 0; i < count; i++)
        r |= set(to, names[i].theirs, json_object_get(parameters, names[i].ours));
    return r;
}

/* ---- thinking ---- */

enum { NONE, DISABLE, MINIMAL, LOW, MEDIUM, HIGH, XHIGH, MAX };

/* What an effort is in tokens, and which level; for "Pro", which cannot be without. */
static const struct effort {
    const char *effort;
    int budget, pro_budget;
    const char *level, *pro_level;
} efforts[] = {
    [NONE] = { "none", 0, 128, "MINIMAL", "LOW" },
    [DISABLE] = { "disable", 0, 128, "MINIMAL", "LOW" },
    [MINIMAL] = { "minimal", 1024, 1024, "MINIMAL", "LOW" },
    [LOW] = { "low", 1024, 1024, "LOW", "LOW" },
    [MEDIUM] = { "medium", 8192, 8192, "MEDIUM", "MEDIUM" },
    [HIGH] = { "high", 24576, 24576, "HIGH", "HIGH" },
    [XHIGH] = { "xhigh", 24576, 32768, "HIGH", "HIGH" },
    [MAX] = { "max", 24576, 32768, "HIGH", "HIGH" },
};

/* Without "models/". */
static const char *bare_model(const struct ein_llm_call *call)
{
    const char *model = call->model ? call->model : "";

    return strncmp(model, "models/", 7) == 0 ? model + 7 : model;
}

bool gemini_thinks_by_level(const struct ein_llm_call *call)
{
    const char *said = text_of(json_object_get(call->settings, "wire"), "thinking");
    const char *model = bare_model(call);

    if (said)
        return strcmp(said, "level") == 0;
    return strncmp(model, "gemini-", 7) == 0 && isdigit((unsigned char)model[7]) && model[7] >= '3';
}

static const struct effort *effort_of(const char *name)
{
    for (size_t i = 0; name && i < COUNT(efforts); i++) {
        if (strcmp(efforts[i].effort, name) == 0)
            return &efforts[i];
    }
    return NULL;
}

static json_t *level_of(const struct effort *effort, json_int_t budget, const char *model)
{
    const char *level;

    if (!effort)
        effort = &efforts[budget <= 0      ? NONE
                          : budget <= 1024 ? LOW
                          : budget <= 8192 ? MEDIUM
                                           : HIGH];
    level = strstr(model, "pro") ? effort->pro_level : effort->level;
    /* The first of them knows two levels. */
    if (strncmp(model, "gemini-3-pro", 12) == 0 && strcmp(level, "MEDIUM") == 0)
        level = "HIGH";
    return json_string(level);
}

/* *ret_config NULL: nothing was said. */
static int thinking_config(const struct ein_llm_call *call, json_t **ret_config)
{
    const json_t *show = json_object_get(call->parameters, "show_thinking");
    json_t *budget = json_object_get(call->parameters, "thinking_budget");
    const struct effort *effort = effort_of(text_of(call->parameters, "reasoning_effort"));
    json_int_t tokens = json_integer_value(budget); /* below 0: as the model likes */
    const char *model = bare_model(call);
    bool budgeted = json_is_integer(budget), by_level = gemini_thinks_by_level(call);
    bool thinks = budgeted ? tokens != 0 : effort && effort->budget != 0;
    int r = 0;

    if (!show && !budgeted && !effort)
        return 0;
    json_t *config = json_object();
    if (show ? json_is_true(show) : thinks)
        r |= json_object_set_new(config, "includeThoughts", json_true());
    if (by_level && (budgeted || effort) && tokens >= 0)
        r |= json_object_set_new(config, "thinkingLevel",
                                 level_of(budgeted ? NULL : effort, tokens, model));
    else if (!by_level && budgeted)
        r |= json_object_set(config, "thinkingBudget", budget);
    else if (!by_level && effort)
        r |= json_object_set_new(
            config, "thinkingBudget",
            json_integer(strstr(model, "pro") ? effort->pro_budget : effort->budget));
    *ret_config = config;
    return r;
}

static int generation_config(const struct ein_llm_call *call, json_t *body)
{
    EIN_JSON json_t *config = json_object(), *thinking = NULL;
    int r = set_named(config, generation_names, COUNT(generation_names), call->parameters);

    r |= thinking_config(call, &thinking);
    if (json_object_size(thinking) > 0)
        r |= set(config, "thinkingConfig", thinking);
    if (call->reply_schema) {
        r |= json_object_set_new(config, "responseMimeType", json_string("application/json"));
        /* An object of which nothing is said is JSON of any form. */
        if (json_object_size(call->reply_schema) > 1)
            r |= set(config, "responseJsonSchema", (json_t *)call->reply_schema);
    }
    return json_object_size(config) > 0 ? r | set(body, "generationConfig", config) : r;
}

/* ---- tools ---- */

static json_t *declarations(const json_t *tools)
{
    json_t *array = json_array();
    const json_t *tool;
    size_t at;

    json_array_foreach(tools, at, tool)
    {
        const json_t *parameters = json_object_get(tool, "parameters");

        if (json_array_append_new(
                array,
                json_pack("{s:O, s:O*, s:o*}", "name", json_object_get(tool, "name"), "description",
                          json_object_get(tool, "description"), "parametersJsonSchema",
                          parameters ? vendor_tool_schema(parameters) : NULL)) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* google_search as googleSearch, which is what the API answers in. */
static void to_camel(char *name)
{
    char *to = name;

    for (; *name; name++) {
        if (*name == '_' && islower((unsigned char)name[1]))
            *to++ = (char)toupper((unsigned char)*++name);
        else
            *to++ = *name;
    }
    *to = '\0';
}

static int add_built_in(json_t *tools, const json_t *built_in)
{
    const json_t *own = vendor_own_tool(built_in, GEMINI_WIRE);
    EIN_JSON json_t *tool = json_object();
    const char *name;
    json_t *value;
    int r = 0;

    if (!own && json_object_get(built_in, "web_search"))
        r |= json_object_set_new(tool, "googleSearch", json_object());
    json_object_foreach((json_t *)own, name, value)
    {
        EIN_FREE char *camel = strdup(name);

        if (!camel)
            return -1;
        to_camel(camel);
        r |= json_object_set(tool, camel, value);
    }
    return json_object_size(tool) > 0 ? r | json_array_append(tools, tool) : r;
}

static int add_tools(const struct ein_llm_call *call, json_t *body)
{
    EIN_JSON json_t *tools = json_array();
    const json_t *built_in;
    size_t at;
    int r = 0;

    if (json_array_size(call->tools) > 0)
        r |= json_array_append_new(
            tools, json_pack("{s:o}", "functionDeclarations", declarations(call->tools)));
    json_array_foreach(call->built_in_tools, at, built_in)
    {
        r |= add_built_in(tools, built_in);
    }
    return json_array_size(tools) > 0 ? r | set(body, "tools", tools) : r;
}

static json_t *calling_config(const json_t *choice)
{
    static const struct name modes[] = { { "auto", "AUTO" },
                                         { "none", "NONE" },
                                         { "required", "ANY" } };
    const char *text = json_string_value(choice);
    json_t *name = json_object_get(choice, "name");

    if (json_is_string(name))
        return json_pack("{s:s, s:[O]}", "mode", "ANY", "allowedFunctionNames", name);
    for (size_t i = 0; text && i < COUNT(modes); i++) {
        if (strcmp(modes[i].ours, text) == 0)
            return json_pack("{s:s}", "mode", modes[i].theirs);
    }
    return NULL;
}

static int add_tool_choice(const struct ein_llm_call *call, json_t *body)
{
    json_t *config = json_array_size(call->tools) ? calling_config(call->tool_choice) : NULL;

    if (!config)
        return 0;
    return json_object_set_new(body, "toolConfig",
                               json_pack("{s:o}", "functionCallingConfig", config));
}

/* ---- all of it ---- */

int gemini_request(const struct ein_llm_call *call, json_t **ret_body, struct ein_error *err)
{
    EIN_JSON json_t *body = json_object(), *contents = NULL, *system = NULL;
    int r = gemini_contents(call, &contents, &system, err);

    if (r < 0)
        return r;
    r |= set(body, "contents", contents);
    if (system)
        r |= json_object_set_new(body, "systemInstruction",
                                 json_pack("{s:s, s:O}", "role", "user", "parts", system));
    r |= add_tools(call, body);
    r |= add_tool_choice(call, body);
    r |= set_named(body, request_names, COUNT(request_names), call->parameters);
    r |= generation_config(call, body);
    if (r < 0)
        return error_no_memory(err);
    *ret_body = EIN_TAKE(body);
    return 0;
}
