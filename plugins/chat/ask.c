/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include "built_in_tools.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "result.h"
#include <string.h>

struct asking {
    struct chat *chat;
    struct run *run;
    int fault; /* of the sink's own */
};

/* ---- pieces ---- */

static int add(struct asking *asking, enum live_kind kind, const char *bytes, size_t len)
{
    struct run *run = asking->run;

    asking->fault =
        len ? live_add(run->live, run->attempt, kind, bytes, len, asking->chat->answer_max) : 0;
    return asking->fault;
}

static int add_json(struct asking *asking, enum live_kind kind, const json_t *json)
{
    const struct ein_host *host = asking->chat->host;
    size_t len;
    char *text = host->json_text(json, &len);
    int r = text ? add(asking, kind, text, len) : (asking->fault = EIN_E_NO_MEMORY);

    host->mem_free(text);
    return r;
}

static int add_text(struct asking *asking, enum live_kind kind, const char *text)
{
    return text ? add(asking, kind, text, strlen(text)) : 0;
}

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    struct asking *asking = data;
    const json_t *replay;
    int r;

    switch (piece->kind) {
    case EIN_LLM_TEXT:
        return add_text(asking, LIVE_TEXT, piece->text);
    case EIN_LLM_THOUGHT:
        r = add_text(asking, LIVE_THOUGHT, piece->text);
        replay = json_object_get(piece->data, "replay");
        return r == 0 && replay ? add_json(asking, LIVE_REPLAY, replay) : r;
    case EIN_LLM_TOOL_CALL:
        return piece->data ? add_json(asking, LIVE_TOOL_CALL, piece->data) : 0;
    case EIN_LLM_SOURCE:
        return piece->data ? add_json(asking, LIVE_SOURCE, piece->data) : 0;
    default:
        return 0;
    }
}

/* ---- the call ---- */

static int too_long(const struct chat *chat, struct ein_error *err)
{
    return error_set(err, EIN_E_TOO_LARGE,
                     "The answer is longer than the %zu bytes that an answer may have here.",
                     chat->answer_max);
}

static int call_model(struct asking *asking, const struct ein_service *service,
                      struct ein_completion_call *call, const json_t *asked, json_t **ret_result,
                      struct ein_error *err)
{
    const struct ein_completion *completion = service->vtable;
    struct ein_completion_outcome outcome = { .struct_size = sizeof(outcome) };
    EIN_JSON json_t *tools = json_array();
    EIN_JSON json_t *notes = json_array();
    int r = tools && notes ? 0 : error_no_memory(err);

    if (r == 0)
        r = built_in_tools_find(service, call, json_object_get(asked, "builtInTools"), tools, notes,
                                err);
    if (r < 0)
        return r;
    call->built_in_tools = json_array_size(tools) ? tools : NULL;
    r = completion->complete(service->impl, call, take_piece, asking, &outcome, err);
    if (r == 0) {
        *ret_result = result_make(asking->run, &outcome, notes);
        r = *ret_result ? 0 : error_no_memory(err);
    }
    json_decref(outcome.notes);
    if (asking->fault == EIN_E_TOO_LARGE)
        return too_long(asking->chat, err);
    return asking->fault == EIN_E_NO_MEMORY ? error_no_memory(err) : r;
}

int ask_model(struct chat *chat, struct run *run, const json_t *asked, json_t **ret_result,
              struct ein_error *err)
{
    struct asking asking = { chat, run, 0 };
    const struct ein_service *service;
    EIN_JSON json_t *model =
        json_sprintf("%s/%s", text_of(run->ticket, "provider"), text_of(run->ticket, "model"));
    struct ein_completion_call call = {
        .struct_size = sizeof(call),
        .user_id = text_of(run->ticket, "userId"),
        .key_id = text_of(asked, "keyId"),
        .run_id = run->id,
        .request_id = text_of(run->ticket, "requestId"),
        .model = json_string_value(model),
        .messages = json_object_get(asked, "messages"),
        .tools = unless_null(asked, "tools"),
        .reply_schema = unless_null(asked, "replySchema"),
        .parameters = json_object_get(asked, "parameters"),
        .tool_choice = unless_null(asked, "toolChoice"),
        .visible = json_object_get(asked, "visible"),
        .scopes = json_object_get(asked, "scopes"),
        .cancel = run->cancel,
    };

    if (!model)
        return error_no_memory(err);
    if (chat->host->acquire(chat->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "Models cannot be asked: no plugin of the server does that now.");
    int r = call_model(&asking, service, &call, asked, ret_result, err);
    chat->host->release(chat->ctx, service);
    return r;
}
