/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"
#include "answer.h"
#include "asked_model.h"
#include "buf.h"
#include "cleanup.h"
#include "http_json.h"

#include <string.h>

struct asking {
    struct composing *composing;
    struct buf text, thoughts;
    int fault; /* of the sink's own */
};

/* ---- pieces ---- */

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

/* ---- what it came to ---- */

static int fail(struct composing *composing, int r, const struct ein_error *err)
{
    int status = asked_model_status(&composing->outcome, r);

    if (r == EIN_E_CANCELLED || r == EIN_E_NO_MEMORY)
        return r;
    if (!composing->begun)
        (void)reply_retry_after(composing->composer->host->http, composing->req,
                                composing->outcome.retry_after_ms);
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

/* ---- the call ---- */

static int complete(struct asking *asking, const struct ein_service *service,
                    struct ein_completion_call *call)
{
    struct composing *composing = asking->composing;
    const struct ein_completion *completion = service->vtable;
    EIN_JSON json_t *tools = json_array();
    struct ein_error err = { 0 };
    int r;

    json_decref(composing->outcome.notes);
    composing->outcome =
        (struct ein_completion_outcome){ .struct_size = sizeof(composing->outcome) };
    r = asked_model_tools(service, call, composing->body, tools, composing->notes, &err);
    if (r < 0)
        return fail(composing, r, &err);
    call->built_in_tools = json_array_size(tools) ? tools : NULL;
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
    EIN_JSON json_t *model = asked_model_name(composing->body);
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
