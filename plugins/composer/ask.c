/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"
#include "answer.h"
#include "buf.h"
#include "cleanup.h"

#include <stdio.h>
#include <string.h>

struct asking {
    struct composing *composing;
    struct buf text, thoughts;
    int fault; /* of the sink's own */
};

/* ---- pieces -------------------------------------------------------------------- */

static int take(struct asking *asking, struct buf *bytes, const char *event, const char *text)
{
    if (!text)
        return 0;
    asking->fault = buf_text(bytes, text);
    if (asking->fault == 0)
        asking->fault = answer_piece(asking->composing, event, text);
    return asking->fault;
}

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    struct asking *asking = data;

    if (piece->kind == EIN_LLM_TEXT)
        return take(asking, &asking->text, "text", piece->text);
    if (piece->kind == EIN_LLM_THOUGHT)
        return take(asking, &asking->thoughts, "thought", piece->text);
    return 0;
}

/* ---- built-in tools -------------------------------------------------------------- */

static const json_t *tool_named(const json_t *entry, const char *name)
{
    const json_t *tool;
    size_t i;

    json_array_foreach(json_object_get(entry, "built_in_tools"), i, tool)
    {
        if (strcmp(text_or_empty(tool, "id"), name) == 0)
            return json_object_get(tool, "tool_config");
    }
    return NULL;
}

/* Ids become what the catalog has for them; configurations stay. */
static int add_tool(struct composing *composing, const json_t *wanted, const json_t *entry,
                    const char *model, json_t *tools)
{
    const char *name = json_string_value(wanted);
    const json_t *config = name ? tool_named(entry, name) : wanted;

    if (config)
        return json_array_append(tools, (json_t *)config);
    return json_array_append_new(
        composing->notes,
        json_sprintf("%s has no built-in tool '%s'; it was left out.", model, name));
}

static int find_tools(struct composing *composing, const struct ein_service *service,
                      const struct ein_completion_call *call, json_t *tools)
{
    const struct ein_completion *completion = service->vtable;
    const json_t *listed = json_object_get(composing->body, "builtInTools"), *item;
    const json_t *one =
        json_object_get(json_object_get(composing->body, "modelConfig"), "builtInTool");
    EIN_JSON json_t *found = NULL;
    const json_t *entry;
    size_t i;
    int r = 0;

    if (json_array_size(listed) == 0 && !json_is_string(one))
        return 0;
    if (completion->find(service->impl, call->user_id, call->model, call->visible, &found, NULL) <
        0)
        return 0; /* the call itself says what is wrong */
    entry = json_object_get(found, "model");
    json_array_foreach((json_t *)listed, i, item)
    {
        r |= add_tool(composing, item, entry, call->model, tools);
    }
    if (json_is_string(one) && json_array_size(tools) == 0)
        r |= add_tool(composing, one, entry, call->model, tools);
    return r < 0 ? EIN_E_NO_MEMORY : 0;
}

/* ---- what it came to --------------------------------------------------------------- */

static void set_retry_after(const struct composing *composing)
{
    const struct ein_http *http = composing->composer->host->http;
    uint32_t ms = composing->outcome.retry_after_ms;
    char text[16];

    if (ms == 0 || composing->begun)
        return;
    (void)snprintf(text, sizeof(text), "%u", ms / 1000 + (ms % 1000 != 0));
    (void)http->set_header(composing->req, "Retry-After", text);
}

/* What a vendor says of us is no word of ours on the caller. */
static int status_of(const struct composing *composing)
{
    static const struct {
        int32_t from, to;
    } table[] = { { 402, 402 }, { 400, 422 }, { 404, 422 }, { 413, 422 },
                  { 422, 422 }, { 429, 429 }, { 504, 504 } };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].from == composing->outcome.status)
            return table[i].to;
    return composing->outcome.attempts == 0 && composing->outcome.status == 503 ? 503 : 502;
}

static int fail(struct composing *composing, int r, const struct ein_error *err)
{
    int status = status_of(composing);

    if (r == EIN_E_CANCELLED || r == EIN_E_NO_MEMORY)
        return r;
    set_retry_after(composing);
    if (status == 402)
        return answer_fail(composing, status, "%s", err->text);
    return answer_fail(composing, status,
                       "The model that is to write the code could not answer: %s", err->text);
}

static int keep(struct asking *asking)
{
    struct composing *composing = asking->composing;

    free(composing->answer);
    free(composing->thoughts);
    composing->answer = strdup(buf_str(&asking->text));
    composing->thoughts = asking->thoughts.len ? strdup(buf_str(&asking->thoughts)) : NULL;
    return composing->answer ? 0 : EIN_E_NO_MEMORY;
}

static void count(struct composing *composing)
{
    composing->input_tokens += composing->outcome.input_tokens;
    composing->output_tokens += composing->outcome.output_tokens;
    composing->cost += composing->outcome.cost;
}

/* ---- the call ----------------------------------------------------------------------- */

static int complete(struct asking *asking, const struct ein_service *service,
                    struct ein_completion_call *call)
{
    struct composing *composing = asking->composing;
    const struct ein_completion *completion = service->vtable;
    EIN_JSON json_t *tools = json_array();
    struct ein_error err = { 0 };
    int r = tools ? find_tools(composing, service, call, tools) : EIN_E_NO_MEMORY;

    if (r < 0)
        return r;
    call->built_in_tools = json_array_size(tools) ? tools : NULL;
    json_decref(composing->outcome.notes);
    composing->outcome =
        (struct ein_completion_outcome){ .struct_size = sizeof(composing->outcome) };
    r = completion->complete(service->impl, call, take_piece, asking, &composing->outcome, &err);
    count(composing);
    if (asking->fault == EIN_E_TOO_LARGE)
        return answer_fail(composing, 502,
                           "The model's answer is longer than the %zu bytes of "
                           "answer_bytes.",
                           composing->composer->answer_max);
    if (asking->fault)
        return asking->fault;
    return r < 0 ? fail(composing, r, &err) : keep(asking);
}

static int call_model(struct asking *asking, const char *model)
{
    struct composing *composing = asking->composing;
    const struct composer *composer = composing->composer;
    const struct ein_http *http = composer->host->http;
    const struct ein_identity *identity = http->identity(composing->req);
    EIN_JSON json_t *no_agents = json_pack("{s:{s:[]}}", "owner", "$in");
    struct ein_completion_call call = {
        .struct_size = sizeof(call),
        .user_id = identity->uid,
        .key_id = json_string_value(json_object_get(identity->claims, "keyId")),
        .request_id = http->request_id(composing->req),
        .model = model,
        .messages = composing->messages,
        .parameters =
            json_object_get(json_object_get(composing->body, "modelConfig"), "parameters"),
        .visible = no_agents, /* an agent is no model that composes */
        .cancel = http->cancel(composing->req),
    };
    const struct ein_service *service;
    int r;

    if (composer->host->acquire(composer->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return answer_fail(composing, 503,
                           "Models cannot be asked: no plugin of the server does that now.");
    r = complete(asking, service, &call);
    composer->host->release(composer->ctx, service);
    return r;
}

int ask_model(struct composing *composing)
{
    const json_t *config = json_object_get(composing->body, "modelConfig");
    EIN_JSON json_t *model =
        json_sprintf("%s/%s", text_or_empty(config, "provider"), text_or_empty(config, "model"));
    struct asking asking = { .composing = composing };
    int r;

    if (!model)
        return EIN_E_NO_MEMORY;
    buf_init(&asking.text, composing->composer->answer_max);
    buf_init(&asking.thoughts, composing->composer->answer_max);
    r = call_model(&asking, json_string_value(model));
    buf_done(&asking.text);
    buf_done(&asking.thoughts);
    return r;
}
