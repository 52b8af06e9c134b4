/* SPDX-License-Identifier: Apache-2.0 */
#include "llm_call.h"
#include "built_in_tools.h"
#include "cleanup.h"
#include "clock.h"
#include "declared.h"
#include "error.h"
#include "llm_settings.h"
#include "message_parts.h"
#include "said.h"
#include "slow_call.h"

#include <stdio.h>
#include <string.h>

struct llm_call {
    struct slow_call slow;
    const struct ein_agent_run *what; /* outlives the call */
    char *provider, *model, *name;    /* name: "provider/model" */
    const char *agent_id;             /* may be NULL */
    json_t *params, *parameters, *built_in;
    uint32_t total_ms;
    struct said said;
    struct ein_completion_outcome outcome;
    int64_t duration_ms;
};

static void call_free(struct slow_call *slow)
{
    struct llm_call *call = (struct llm_call *)slow;

    free(call->provider);
    free(call->model);
    free(call->name);
    json_decref(call->params);
    json_decref(call->parameters);
    json_decref(call->built_in);
    json_decref(call->outcome.notes);
    said_done(&call->said);
    free(call);
}

static const json_t *member(const struct llm_call *call, const char *name)
{
    const json_t *value = json_object_get(call->params, name);

    return json_is_null(value) ? NULL : value;
}

/* ---- on the call's thread ---- */

/* Ids become what the catalog has for them; configurations stay. */
static int find_built_in(struct llm_call *call, const struct ein_service *service)
{
    const struct ein_completion *completion = service->vtable;
    const json_t *wanted = member(call, "built_in_tools"), *item;
    EIN_JSON json_t *found = NULL;
    size_t i;

    if (json_array_size(wanted) == 0)
        return 0;
    int r = completion->find(service->impl, call->what->user_id, call->name, call->what->visible,
                             &found, &call->slow.err);
    if (r < 0)
        return r;
    call->built_in = json_array();
    json_array_foreach((json_t *)wanted, i, item)
    {
        const char *name = json_string_value(item);
        const json_t *config = name ? built_in_tool(json_object_get(found, "model"), name) : item;
        if (!config)
            return error_set(&call->slow.err, EIN_E_INVALID, "%.150s has no built-in tool '%.60s'.",
                             call->name, name);
        if (json_array_append(call->built_in, (json_t *)config) < 0)
            return error_no_memory(&call->slow.err);
    }
    return 0;
}

static int complete(struct llm_call *call, const struct ein_service *service)
{
    const struct ein_completion *completion = service->vtable;
    const struct ein_agent_run *what = call->what;
    struct ein_completion_call ask = {
        .struct_size = sizeof(ask),
        .total_ms = call->total_ms,
        .user_id = what->user_id,
        .key_id = what->key_id,
        .request_id = what->request_id,
        .visible = what->visible,
        .scopes = what->scopes,
        .agent_id = call->agent_id,
        .run_id = what->run_id,
        .model = call->name,
        .messages = member(call, "messages"),
        .tools = member(call, "tools"),
        .built_in_tools = call->built_in,
        .reply_schema = member(call, "reply_schema"),
        .parameters = call->parameters,
        .tool_choice = member(call, "tool_choice"),
        .cancel = call->slow.cancel,
    };

    return completion->complete(service->impl, &ask, said_take, &call->said, &call->outcome,
                                &call->slow.err);
}

static json_t *show(struct said *said)
{
    return json_pack("{s:s, s:s?, s:O, s:o}", "content", buf_str(&said->text), "thoughts",
                     said->thoughts.len ? said->thoughts.data : NULL, "tool_calls",
                     said->tool_calls, "message", said_message(said));
}

static int check_answer(struct llm_call *call, int r)
{
    if (call->said.fault == EIN_E_TOO_LARGE)
        return error_set(&call->slow.err, EIN_E_TOO_LARGE,
                         "The model's answer is longer than the limit of %zu bytes.",
                         call->said.max);
    if (call->said.fault)
        return error_no_memory(&call->slow.err);
    if (r < 0)
        return r;
    call->slow.json = show(&call->said);
    return call->slow.json ? 0 : error_no_memory(&call->slow.err);
}

static void perform(struct slow_call *slow)
{
    struct llm_call *call = (struct llm_call *)slow;
    const struct ein_service *service;
    int64_t began = clock_mono_ms();

    if (slow->host->acquire(slow->ctx, EIN_COMPLETION, NULL, &service) < 0) {
        slow->r = error_set(&slow->err, EIN_E_UNAVAILABLE,
                            "No model provider is configured on this server.");
        return;
    }
    slow->r = find_built_in(call, service);
    if (slow->r == 0)
        slow->r = check_answer(call, complete(call, service));
    slow->host->release(slow->ctx, service);
    call->duration_ms = clock_mono_ms() - began;
}

/* ---- on the run's thread ---- */

/* The model that was asked for, or the fallback that answered. */
static void note(struct slow_call *slow, struct agent *agent)
{
    const struct llm_call *call = (const struct llm_call *)slow;
    const struct ein_completion_outcome *outcome = &call->outcome;
    const bool answered = *outcome->provider && *outcome->model;
    const struct trace_llm_call about = {
        .provider = answered ? outcome->provider : call->provider,
        .model = answered ? outcome->model : call->model,
        .input_tokens = outcome->input_tokens,
        .output_tokens = outcome->output_tokens,
        .duration_ms = call->duration_ms,
        .cost = outcome->cost,
        .error = slow->r < 0 ? slow->err.text : NULL,
    };

    trace_llm(&agent->run->trace, &agent->speaker, &about);
}

static const struct slow_kind kind = { .lane = SLOW_LLM,
                                       .perform = perform,
                                       .note = note,
                                       .not_found = "ValueError",
                                       .unavailable = "RuntimeError",
                                       .free = call_free };

/* ---- begin ---- */

static bool is_role(const char *role)
{
    return role && (strcmp(role, "system") == 0 || strcmp(role, "user") == 0 ||
                    strcmp(role, "assistant") == 0);
}

static int check_messages(const json_t *messages, struct ein_error *err)
{
    EIN_JSON json_t *faults = NULL;
    const json_t *message, *fault;
    size_t i;

    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return error_set(err, EIN_E_INVALID,
                         "The messages are not a list with at least one message.");
    json_array_foreach((json_t *)messages, i, message)
    {
        const char *role = json_string_value(json_object_get(message, "role"));
        if (!is_role(role))
            return error_set(err, EIN_E_INVALID,
                             "messages[%zu]: the role '%.40s' is none of system, developer, user, "
                             "assistant and tool.",
                             i, role ? role : "");
    }
    faults = message_parts_faults(messages);
    if (!faults)
        return error_no_memory(err);
    fault = json_array_get(faults, 0);
    if (!fault)
        return 0;
    return error_set(
        err, EIN_E_INVALID, "messages[%lld]: %s.",
        (long long)json_integer_value(json_array_get(json_object_get(fault, "loc"), 2)),
        json_string_value(json_object_get(fault, "msg")));
}

/* Of a model's tool, or of one that is forced on it. */
static bool has_name(const json_t *tool)
{
    return json_string_length(json_object_get(tool, "name")) > 0;
}

static int check_tools(const struct llm_call *call, struct ein_error *err)
{
    const json_t *tools = member(call, "tools"), *choice = member(call, "tool_choice"), *tool;
    const json_t *schema = member(call, "reply_schema");
    size_t i;

    if ((tools && !json_is_array(tools)) ||
        (choice && !json_is_string(choice) && !has_name(choice)))
        return error_set(err, EIN_E_INVALID, "The tools are not a list of tools.");
    json_array_foreach((json_t *)tools, i, tool)
    {
        const json_t *parameters = json_object_get(tool, "parameters");
        if (!has_name(tool) || (parameters && !json_is_object(parameters)))
            return error_set(err, EIN_E_INVALID, "tools[%zu]: a tool has a name and parameters.",
                             i);
    }
    if (schema && !json_is_object(schema))
        return error_set(err, EIN_E_INVALID, "The schema of the reply is not an object.");
    return 0;
}

static uint32_t total_of(const json_t *params)
{
    double seconds = json_number_value(json_object_get(params, "timeout"));

    if (seconds <= 0)
        return 0;
    return seconds < UINT32_MAX / 1000 ? (uint32_t)(seconds * 1000) + 1 : 0;
}

static int read_names(struct llm_call *call, struct ein_error *err)
{
    const char *provider = json_string_value(json_object_get(call->params, "provider"));
    const char *model = json_string_value(json_object_get(call->params, "model"));

    if (!provider || !*provider || !model || !*model)
        return error_set(err, EIN_E_INVALID, "A model is called by its provider and its name.");
    call->provider = strdup(provider);
    call->model = strdup(model);
    if (asprintf(&call->name, "%s/%s", provider, model) < 0)
        call->name = NULL;
    return call->provider && call->model && call->name ? 0 : error_no_memory(err);
}

static int fill(struct llm_call *call, const struct agent *agent, struct ein_error *err)
{
    const struct run *run = agent->run;
    const json_t *parameters = member(call, "parameters");
    int r = read_names(call, err);

    if (r == 0 && parameters && !json_is_object(parameters))
        r = error_set(err, EIN_E_INVALID, "The parameters are not a dict.");
    if (r == 0)
        r = check_messages(member(call, "messages"), err);
    if (r == 0)
        r = check_tools(call, err);
    if (r == 0)
        r = declared_model(agent, call->provider, call->model, err);
    if (r < 0)
        return r;
    call->what = run->what;
    call->total_ms = total_of(call->params);
    call->agent_id = agent->agent_id;
    call->parameters = llm_settings_apply(run->what->llm_settings, call->name, parameters);
    return call->parameters ? 0 : error_no_memory(err);
}

static int set_up(struct llm_call *call, const struct agent *agent, struct ein_error *err)
{
    size_t most = (size_t)agent->run->limits.llm_answer_kb << 10;

    return said_init(&call->said, most) < 0 ? error_no_memory(err) : fill(call, agent, err);
}

void llm_call(struct agent *agent, int64_t call_id, const struct json_t *params)
{
    struct llm_call *call = slow_new(agent, call_id, &kind, sizeof(*call),
                                     "This run has reached its limit of model calls.");

    if (!call)
        return;
    call->outcome.struct_size = sizeof(call->outcome);
    call->params = json_incref((json_t *)params);
    call->slow.r = set_up(call, agent, &call->slow.err);
    slow_begin(agent, call_id, &call->slow);
}

/* ---- what is known of a model ---- */

static json_t *find_window(const struct run *run, const char *name)
{
    const struct runtime *runtime = run->runtime;
    const struct ein_service *service;
    EIN_JSON json_t *found = NULL;
    struct ein_error err = { 0 };
    json_t *window = NULL;

    if (runtime->host->acquire(runtime->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return json_null();
    const struct ein_completion *completion = service->vtable;
    if (completion->find(service->impl, run->what->user_id, name, run->what->visible, &found,
                         &err) == 0)
        window = json_object_get(json_object_get(found, "model"), "context_window");
    runtime->host->release(runtime->ctx, service);
    return json_is_integer(window) ? json_incref(window) : json_null();
}

void llm_window(struct agent *agent, int64_t call_id, const struct json_t *params)
{
    const char *provider = json_string_value(json_object_get(params, "provider"));
    const char *model = json_string_value(json_object_get(params, "model"));
    EIN_FREE char *name = NULL;

    if (asprintf(&name, "%s/%s", provider ? provider : "", model ? model : "") < 0)
        name = NULL;
    agent_reply(agent, call_id, name ? find_window(agent->run, name) : json_null(), NULL, 0);
}
