/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request, but for what its other files add. */
#include "error.h"
#include "openai.h"

#include <string.h>

static bool has_parameter(const struct openai_request *request, const char *name)
{
    const json_t *value = json_object_get(request->call->parameters, name);

    return value && !json_is_null(value);
}

/* Some parameters exist in chat completions only; most models can be asked in both ways. */
static bool needs_chat(const struct openai_request *request)
{
    const json_t *names = json_object_get(request->openai->config, "chat_parameters"), *name;
    size_t i;

    if (json_array_size(request->call->built_in_tools))
        return false;
    json_array_foreach((json_t *)names, i, name)
    {
        if (has_parameter(request, json_string_value(name)))
            return true;
    }
    return false;
}

static enum openai_style style_of(const struct openai_request *request)
{
    const char *style = json_string_value(json_object_get(request->call->settings, "api_style"));

    if (request->openai->style != OPENAI_AUTO)
        return request->openai->style;
    if (!style || strcmp(style, "responses") != 0)
        return OPENAI_CHAT;
    return needs_chat(request) ? OPENAI_CHAT : OPENAI_RESPONSES;
}

void openai_request_init(struct openai_request *request, const struct openai *openai,
                         const struct ein_llm_call *call)
{
    *request = (struct openai_request){ .openai = openai, .call = call };
    request->style = style_of(request);
    request->stream = openai->stream && !json_is_false(json_object_get(call->parameters, "stream"));
}

/* ---- what is the operator's ---- */

/* The members of `extra` replace those of the body; null takes one away, arrays are put together.
 */
static int merge(json_t *body, const json_t *extra)
{
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach((json_t *)extra, name, value)
    {
        json_t *old = json_object_get(body, name);

        if (r < 0)
            break;
        if (json_is_null(value))
            (void)json_object_del(body, name);
        else if (json_is_array(value) && json_is_array(old))
            r = json_array_extend(old, value) ? EIN_E_NO_MEMORY : 0;
        else
            r = openai_put(body, name,
                           json_is_array(value) ? json_copy(value) : json_incref(value));
    }
    return r;
}

static int merge_all(const struct openai_request *request, json_t *body)
{
    const json_t *config = request->openai->config;
    const json_t *models = json_object_get(config, "model_body");
    const json_t *wire = json_object_get(request->call->settings, "wire");
    int r = merge(body, json_object_get(config, "extra_body"));

    if (r == 0)
        r = merge(body, json_object_get(models, request->call->model));
    if (r == 0)
        r = merge(body, json_object_get(wire, "extra_body"));
    return r;
}

/* ---- the body ---- */

bool openai_reasons(const struct openai_request *request)
{
    const struct ein_llm_call *call = request->call;
    const json_t *said = json_object_get(call->settings, "can_reasoning");
    const json_t *rows = json_object_get(call->settings, "parameters");

    if (said || json_object_get(rows, "reasoning_effort"))
        return !json_is_false(said);
    return !strstr(call->model, "gpt-4") && !strstr(call->model, "gpt-3") &&
           !strstr(call->model, "-chat");
}

/* Nothing is kept at the vendor, so what it thought comes back sealed, for the next call; and what
 * a search has found, for clients that are told it. */
static json_t *include_of(const struct openai_request *request)
{
    const json_t *tools = request->call->built_in_tools, *tool;
    json_t *include = json_array();
    size_t i;

    if (openai_reasons(request))
        (void)json_array_append_new(include, json_string("reasoning.encrypted_content"));
    json_array_foreach(tools, i, tool)
    {
        if (json_object_get(tool, "web_search"))
            (void)json_array_append_new(include, json_string("web_search_call.action.sources"));
    }
    return include;
}

static int add_include(const struct openai_request *request, json_t *body)
{
    EIN_JSON json_t *include = include_of(request);

    if (!include)
        return EIN_E_NO_MEMORY;
    return json_array_size(include) > 0 ? openai_put(body, "include", json_incref(include)) : 0;
}

static int add_stream_options(json_t *body)
{
    json_t *options = json_object();
    int r = openai_put(body, "stream_options", options);

    return r == 0 ? openai_put(options, "include_usage", json_true()) : r;
}

static int add_manners(const struct openai_request *request, json_t *body)
{
    int r = request->stream || request->style == OPENAI_CHAT
                ? openai_put(body, "stream", json_boolean(request->stream))
                : 0;

    if (r == 0 && request->style == OPENAI_CHAT && request->stream && request->openai->stream_usage)
        r = add_stream_options(body);
    if (r == 0 && request->style == OPENAI_RESPONSES)
        r = openai_put(body, "store", json_false());
    if (r == 0 && request->style == OPENAI_RESPONSES)
        r = add_include(request, body);
    return r;
}

static int fill(const struct openai_request *request, json_t *body, struct ein_error *err)
{
    int r = request->style == OPENAI_CHAT ? openai_chat_add_messages(request, body, err)
                                          : openai_responses_add_input(request, body, err);

    if (r == EIN_E_INVALID)
        return r;
    if (r == 0)
        r = openai_add_tools(request, body);
    if (r == 0)
        r = openai_add_schema(request, body);
    if (r == 0)
        r = openai_add_parameters(request, body);
    if (r == 0)
        r = add_manners(request, body);
    if (r == 0)
        r = merge_all(request, body);
    return r < 0 ? error_no_memory(err) : 0;
}

int openai_request_body(const struct openai_request *request, json_t **ret_body,
                        struct ein_error *err)
{
    EIN_JSON json_t *body = json_object();
    int r;

    if (json_array_size(request->call->tools) && !request->openai->takes_tools)
        return error_set(err, EIN_E_INVALID, "%s takes no tools", request->openai->vendor.title);
    if (openai_put(body, "model", json_string(request->call->model)) < 0)
        return error_no_memory(err);
    r = fill(request, body, err);
    if (r < 0)
        return r;
    *ret_body = EIN_TAKE(body);
    return 0;
}
