/* SPDX-License-Identifier: Apache-2.0 */
/* POST /demos/generate-code. */
#include "answer.h"
#include "asked_model.h"
#include "buf.h"
#include "cleanup.h"
#include "demos.h"
#include "http_json.h"
#include "prompt.h"

#include <stdbool.h>

enum {
    JSON_GROWS = 6,             /* times, at most, that a text is longer as JSON */
    THOUGHTS_MAX = 1024 * 1024, /* bytes */
};

struct generating {
    const struct demos *demos;
    struct ein_req *req;
    const json_t *body;
    json_t *messages, *model, *visible, *tools;
    struct buf answer, thoughts;
    bool too_long;                         /* the answer */
    struct ein_completion_outcome outcome; /* of the last one */
};

/* ---- asking ---- */

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    struct generating *generating = data;

    if (!piece->text)
        return 0;
    if (piece->kind == EIN_LLM_TEXT) {
        generating->too_long = buf_text(&generating->answer, piece->text) < 0;
        return generating->too_long;
    }
    if (piece->kind == EIN_LLM_THOUGHT) /* those that are too long are not worth failing for */
        (void)buf_text(&generating->thoughts, piece->text);
    return 0;
}

static int ask(struct generating *generating, const struct ein_service *service,
               struct ein_error *err)
{
    const struct demos *demos = generating->demos;
    const struct ein_http *http = demos->host->http;
    const struct ein_identity *identity = http->identity(generating->req);
    const struct ein_completion *completion = service->vtable;
    struct ein_completion_call call = {
        .struct_size = sizeof(call),
        .total_ms = demos->generate_ms,
        .user_id = identity->uid,
        .key_id = json_string_value(json_object_get(identity->claims, "keyId")),
        .request_id = http->request_id(generating->req),
        .model = json_string_value(generating->model),
        .messages = generating->messages,
        .parameters =
            json_object_get(json_object_get(generating->body, "modelConfig"), "parameters"),
        .visible = generating->visible,
        .cancel = http->cancel(generating->req),
    };
    int r = 0;

    buf_clear(&generating->answer);
    json_decref(generating->outcome.notes);
    generating->outcome =
        (struct ein_completion_outcome){ .struct_size = sizeof(generating->outcome) };
    if (json_array_size(generating->tools) == 0)
        r = asked_model_tools(service, &call, generating->body, generating->tools, NULL, err);
    if (r < 0)
        return r;
    call.built_in_tools = json_array_size(generating->tools) ? generating->tools : NULL;
    return completion->complete(service->impl, &call, take_piece, generating, &generating->outcome,
                                err);
}

/* ---- what comes of it ---- */

static int reply_code(struct generating *generating, json_t *take_code)
{
    EIN_JSON json_t *code = take_code;
    json_t *thoughts = generating->thoughts.len
                           ? json_stringn(generating->thoughts.data, generating->thoughts.len)
                           : json_null();

    if (json_object_set_new(code, "thoughts", thoughts ? thoughts : json_null()) < 0)
        return EIN_E_NO_MEMORY;
    return generating->demos->host->http->reply(generating->req, 200, EIN_TAKE(code));
}

static int fail(struct generating *generating, int r, const struct ein_error *err)
{
    const struct ein_http *http = generating->demos->host->http;
    const struct ein_completion_outcome *outcome = &generating->outcome;

    if (r == EIN_E_NO_MEMORY)
        return r;
    if (generating->too_long)
        return http->fail(generating->req, 502, "The model's answer has more than %zu bytes.",
                          generating->answer.max);
    (void)reply_retry_after(http, generating->req, outcome->retry_after_ms);
    return http->fail(generating->req, asked_model_status(outcome, r), "%s",
                      err->text[0] ? err->text : "The model could not be asked.");
}

/* Asks until the answer is a demo. */
static int generate(struct generating *generating, const struct ein_service *service)
{
    const struct demos *demos = generating->demos;
    char fault[ANSWER_FAULT_SIZE];
    struct ein_error err = { 0 };
    json_t *code;

    for (unsigned tries = 0; tries <= demos->repairs; tries++) {
        int r = ask(generating, service, &err);
        const struct buf *answer = &generating->answer;

        if (r < 0)
            return fail(generating, r, &err);
        r = answer_parse(buf_str(answer), answer->len, demos->code_max, &code, fault);
        if (r == 0)
            return reply_code(generating, code);
        r = prompt_repair(generating->messages, buf_str(answer), fault);
        if (r < 0)
            return r;
    }
    return demos->host->http->fail(
        generating->req, 502, "The model was asked %u times, and its last answer is no demo. %s",
        demos->repairs + 1, fault);
}

static int begin(struct generating *generating, const char *origin)
{
    const struct demos *demos = generating->demos;

    buf_init(&generating->answer, JSON_GROWS * demos->code_max);
    buf_init(&generating->thoughts, THOUGHTS_MAX);
    generating->messages = prompt_messages(generating->body, origin);
    generating->model = asked_model_name(generating->body);
    generating->visible = demos->host->http->visible(generating->req);
    generating->tools = json_array();
    return generating->messages && generating->model && generating->visible && generating->tools
               ? 0
               : EIN_E_NO_MEMORY;
}

static void end(struct generating *generating)
{
    buf_done(&generating->answer);
    buf_done(&generating->thoughts);
    json_decref(generating->messages);
    json_decref(generating->model);
    json_decref(generating->visible);
    json_decref(generating->tools);
    json_decref(generating->outcome.notes);
}

int demos_generate(struct ein_req *req, void *self)
{
    const struct demos *demos = self;
    const struct ein_host *host = demos->host;
    struct generating generating = { .demos = demos, .req = req, .body = host->http->body(req) };
    const char *origin = host->http->origin(req);
    const struct ein_service *service;
    int r = demos_check_body(demos, req, generating.body);

    if (r)
        return r;
    if (host->acquire(demos->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return host->http->fail(req, 503,
                                "Models cannot be asked: no plugin of the server does that now.");
    r = begin(&generating, origin ? origin : "");
    if (r == 0)
        r = generate(&generating, service);
    end(&generating);
    host->release(demos->ctx, service);
    return r;
}
