/* SPDX-License-Identifier: Apache-2.0 */
#include "openai_api.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "json_depth.h"
#include "scopes.h"

#include <stdio.h>
#include <string.h>

/* ---- the request ---- */

/* Read once more, for the sentence. */
static void say_why(const struct openai_api *api, const char *text, size_t len, char *why,
                    size_t size)
{
    EIN_JSON json_t *body = NULL;
    json_error_t at = { .text = "" };

    if (len == 0) {
        snprintf(why, size, "The body is missing.");
    } else if (json_deeper_than(text, len, api->limits.depth)) {
        snprintf(why, size, "The body nests deeper than %u levels.", api->limits.depth);
    } else if (json_more_values_than(text, len, api->limits.values)) {
        snprintf(why, size, "The body has more than %u values.", api->limits.values);
    } else {
        body = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
        if (body)
            snprintf(why, size, "The body is no JSON object.");
        else
            snprintf(why, size, "The body is not JSON: line %d, column %d: %s.", at.line, at.column,
                     at.text);
    }
}

/* The body as an object; NULL: it has been replied to. */
static json_t *read_body(const struct openai_api *api, struct ein_req *req, int *ret_status)
{
    size_t len = 0;
    const char *text = api->host->http->raw_body(req, &len);
    json_t *body = text && !json_more_values_than(text, len, api->limits.values)
                       ? json_object_read(text, len, api->limits.depth)
                       : NULL;
    char why[JSON_ERROR_TEXT_LENGTH + 80];
    const struct wrong wrong = { .status = 400, .text = why };

    if (!body) {
        say_why(api, text, len, why, sizeof(why));
        *ret_status = fail_with(api, req, &wrong);
    }
    return body;
}

bool read_ask(const struct openai_api *api, struct ein_req *req, ask_fn *read, struct ask *ask,
              int *ret_status)
{
    struct flaw flaw = { .text = "" };
    EIN_JSON json_t *body = read_body(api, req, ret_status);
    int r = body ? 0 : EIN_E_INVALID;

    if (r >= 0 && ask->kept)
        r = kept_begin(ask->kept, body, &flaw);
    if (r >= 0)
        r = read(body, &api->limits, ask, &flaw);

    if (r >= 0)
        r = ask_trim_marks(ask);
    if (r >= 0)
        r = ask_order_results(ask);
    if (body && r < 0)
        *ret_status = fail_flaw(api, req, r, &flaw);
    return r >= 0;
}

json_t *visible_to(const struct openai_api *api, const struct ein_req *req)
{
    const struct ein_http *http = api->host->http;

    if (scope_is_held(http->identity(req), "deployments:run")) /* agents are run by who may */
        return http->visible(req);
    return json_pack("{s:{s:[]}}", "owner", "$in"); /* nobody's */
}

/* Only names that may be those of agents need it. */
static bool may_be_agent(const char *model)
{
    return strncmp(model, "gofannon/", 9) == 0 || !strchr(model, '/');
}

/* ---- the answer ---- */

struct serving {
    const struct openai_api *api;
    struct ein_req *req;
    const struct form *form;
    struct answer answer;
    struct ein_completion_outcome outcome;
    bool sent; /* a piece of a stream: the status is no longer ours to choose */
};

/* A heartbeat has sent the status already; no other will. */
static bool has_begun(const struct serving *serving)
{
    return serving->answer.ask->stream &&
           serving->api->host->http->beat_early(serving->req, false) > 0;
}

/* Sends what the form has written. */
static int flush(struct serving *serving)
{
    struct buf *out = &serving->answer.out;
    int r;

    if (out->error)
        return EIN_E_NO_MEMORY;
    if (out->len == 0)
        return 0;
    if (!serving->sent && !has_begun(serving))
        headers_begin(serving->api, serving->req, &serving->outcome);
    serving->sent = true;
    r = serving->api->host->http->send_bytes(serving->req, out->data, out->len);
    buf_clear(out);
    return r;
}

static int on_piece(const struct ein_llm_piece *piece, void *data)
{
    struct serving *serving = data;

    serving->form->piece(&serving->answer, piece);
    return serving->answer.ask->stream ? flush(serving) : 0;
}

static int send_whole(struct serving *serving)
{
    const struct ein_http *http = serving->api->host->http;
    const struct buf *out = &serving->answer.out;

    if (out->error)
        return EIN_E_NO_MEMORY;
    headers_end(serving->api, serving->req, &serving->answer);
    return http->reply_bytes(serving->req, 200, "application/json", out->data, out->len);
}

/* What the clients' libraries look at to tell faults apart. */
static const char *code_of(const struct ein_completion_outcome *outcome, int status)
{
    switch (outcome->fault) {
    case EIN_LLM_FAULT_CONTEXT_TOO_LONG:
        return "context_length_exceeded";
    case EIN_LLM_FAULT_REFUSED:
        return "content_policy_violation";
    case EIN_LLM_FAULT_NO_CREDIT:
        return "insufficient_quota";
    default:
        return status == 404 ? "model_not_found" : NULL;
    }
}

static int status_of(const struct ein_completion_outcome *outcome, bool anthropic,
                     const struct ein_error *err)
{
    static const struct {
        int code, status;
    } table[] = {
        { EIN_E_INVALID, 400 },   { EIN_E_NOT_FOUND, 404 }, { EIN_E_DENIED, 403 },
        { EIN_E_TIMEOUT, 504 },   { EIN_E_BUSY, 429 },      { EIN_E_TOO_LARGE, 400 },
        { EIN_E_CANCELLED, 499 }, { EIN_E_INTERNAL, 500 },
    };

    if (anthropic && outcome->fault == EIN_LLM_FAULT_OVERLOADED)
        return 529; /* Anthropic's own number for it */
    if (outcome->status >= 400 && outcome->status <= 599)
        return outcome->status;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].code == err->code)
            return table[i].status;
    return 503;
}

static void set_retry_after(struct serving *serving)
{
    const struct ein_http *http = serving->api->host->http;
    uint32_t ms = serving->outcome.retry_after_ms;
    char text[16];

    if (ms == 0)
        return;
    (void)reply_retry_after(http, serving->req, ms);
    (void)snprintf(text, sizeof(text), "%u", ms);
    (void)http->set_header(serving->req, "retry-after-ms", text);
}

static int fail(struct serving *serving, const struct ein_error *err)
{
    const bool anthropic = is_anthropic(serving->api->host->http, serving->req);
    const int status = status_of(&serving->outcome, anthropic, err);
    const struct wrong wrong = {
        .status = status,
        .text = err->text[0] ? err->text : "The model could not be called.",
        .code = code_of(&serving->outcome, status),
        .param = status == 404 ? "model" : NULL,
    };

    if (serving->sent || has_begun(serving)) {
        serving->sent = true;
        serving->form->fail(&serving->answer, &wrong);
        (void)flush(serving); /* nobody may be there to hear it */
        return err->code;
    }
    headers_end(serving->api, serving->req, &serving->answer);
    set_retry_after(serving);
    return fail_with(serving->api, serving->req, &wrong);
}

/* ---- the call ---- */

static int complete(struct serving *serving, struct ein_error *err)
{
    const struct openai_api *api = serving->api;
    const struct ein_http *http = api->host->http;
    const struct ask *ask = serving->answer.ask;
    const struct ein_identity *identity = http->identity(serving->req);
    EIN_JSON json_t *visible = may_be_agent(ask->model) ? visible_to(api, serving->req) : NULL;
    EIN_JSON json_t *scopes = may_be_agent(ask->model) ? scopes_json(identity) : NULL;
    const struct ein_completion_call call = {
        .struct_size = sizeof(call),
        .user_id = identity->uid,
        .key_id = json_string_value(json_object_get(identity->claims, "keyId")),
        .request_id = http->request_id(serving->req),
        .model = ask->model,
        .messages = ask->messages,
        .tools = ask->tools,
        .built_in_tools = ask->built_in_tools,
        .reply_schema = ask->reply_schema,
        .parameters = ask->parameters,
        .tool_choice = ask->tool_choice,
        .visible = visible,
        .scopes = scopes,
        .cancel = http->cancel(serving->req),
        .inputs = ask->inputs,
        /* A vector of another length is of no use. */
        .flags = ask->inputs ? EIN_COMPLETION_REFUSE : 0,
    };
    const struct ein_service *service;
    const struct ein_completion *completion;
    int r;

    if (api->host->acquire(api->ctx, EIN_COMPLETION, NULL, &service) < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "The models are not there at the moment.");
    completion = service->vtable;
    if (ask->stream)
        (void)http->beat_early(serving->req, true);
    if (!ask->inputs)
        r = completion->complete(service->impl, &call, on_piece, serving, &serving->outcome, err);
    else if (EIN_HAS(struct ein_completion, completion, embed))
        r = completion->embed(service->impl, &call, on_piece, serving, &serving->outcome, err);
    else
        r = error_set(err, EIN_E_UNSUPPORTED, "The models here have no embeddings.");
    api->host->release(api->ctx, service);
    return r;
}

static int finish(struct serving *serving)
{
    serving->form->end(&serving->answer);
    return serving->answer.ask->stream ? flush(serving) : send_whole(serving);
}

static int serve(const struct openai_api *api, struct ein_req *req, const struct ask *ask,
                 const struct form *form)
{
    struct serving serving = { .api = api, .req = req, .form = form };
    /* Most pieces of a stream, on the stack of a thread that waits. */
    char first[1024], head[256];
    struct ein_error err = { 0 };
    int r;

    serving.outcome.struct_size = sizeof(serving.outcome);
    answer_begin(&serving.answer, form, ask, &serving.outcome, api->host->http->request_id(req));
    buf_init_in(&serving.answer.out, first, sizeof(first), SIZE_MAX / 2);
    buf_init_in(&serving.answer.head, head, sizeof(head), SIZE_MAX / 2);
    r = complete(&serving, &err);
    r = r < 0 ? fail(&serving, &err) : finish(&serving);
    json_decref(serving.outcome.notes);
    answer_done(&serving.answer);
    return r;
}

/* ---- the routes ---- */

static int answer_ask(const struct openai_api *api, struct ein_req *req, ask_fn *read,
                      const struct form *whole, const struct form *stream, struct ask *ask)
{
    int r = 0;

    if (read_ask(api, req, read, ask, &r))
        r = serve(api, req, ask, ask->stream ? stream : whole);
    ask_done(ask);
    return r;
}

static int answer(const struct openai_api *api, struct ein_req *req, ask_fn *read,
                  const struct form *whole, const struct form *stream)
{
    struct ask ask = { .max_notes = api->limits.notes };

    return answer_ask(api, req, read, whole, stream, &ask);
}

int chat_completions(struct ein_req *req, void *self)
{
    return answer(self, req, chat_ask, &chat_whole, &chat_stream);
}

int text_completions(struct ein_req *req, void *self)
{
    return answer(self, req, completions_ask, &completions_whole, &completions_stream);
}

int anthropic_messages(struct ein_req *req, void *self)
{
    return answer(self, req, anthropic_ask, &anthropic_whole, &anthropic_stream);
}

int responses_create(struct ein_req *req, void *self)
{
    const struct openai_api *api = self;
    struct ask ask = { .max_notes = api->limits.notes };
    struct kept kept = { .api = api, .uid = api->host->http->identity(req)->uid, .ask = &ask };
    int r;

    ask.kept = api->keep_days > 0 ? &kept : NULL;
    r = answer_ask(api, req, responses_ask, &responses_whole, &responses_stream, &ask);
    kept_done(&kept);
    return r;
}

int embeddings_create(struct ein_req *req, void *self)
{
    return answer(self, req, embeddings_ask, &embeddings_whole, NULL);
}
