/* SPDX-License-Identifier: Apache-2.0 */
/* One call, from the messages to the outcome. */
#include "clock.h"
#include "error.h"
#include "member.h"
#include "reply.h"
#include "reply_tool.h"

int openai_add_key(const struct openai *openai, const char *key, struct vendor_headers *headers,
                   struct ein_error *err)
{
    if (!key || openai->key_header)
        return vendor_header(headers, openai->key_header, key, err);
    return vendor_bearer(headers, key, err);
}

int openai_add_headers(const struct openai *openai, const char *key, struct vendor_headers *headers,
                       struct ein_error *err)
{
    static const struct {
        const char *setting, *header;
    } optional[] = {
        { "organization", "OpenAI-Organization" },
        { "project", "OpenAI-Project" },
    };
    int r = openai_add_key(openai, key, headers, err);

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]) && r == 0; i++)
        r = vendor_header(headers, optional[i].header,
                          json_string_value(json_object_get(openai->config, optional[i].setting)),
                          err);
    return r;
}

/* A server of one's own may want none. */
int openai_key(const struct openai *openai, const struct ein_llm_call *call, const char **ret_key,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    if (!openai->needs_key && !call->api_key && !openai->vendor.own_key)
        return 0;
    return vendor_key(&openai->vendor, call, ret_key, outcome, err);
}

/* Some models stream, or show their thoughts, only to accounts that have proved who they are. */
static void classify(void *data, struct vendor_failure *failure)
{
    struct openai_reply *reply = data;
    const json_t *error = json_object_get(failure->body, "error");
    const char *param = text_or_empty(error, "param");

    openai_classify(data, failure);
    if (!strstr(text_or_empty(error, "message"), "must be verified"))
        return;
    reply->no_stream = strcmp(param, "stream") == 0;
    reply->no_summary = strcmp(param, "reasoning.summary") == 0;
}

/* Changes the request to one that others may make too.  Is there one? */
static bool go_without(struct openai_request *request, bool no_stream, bool no_summary)
{
    bool again = (no_stream && request->stream) || (no_summary && !request->unshown);

    request->stream = request->stream && !no_stream;
    request->unshown = request->unshown || no_summary;
    return again;
}

static bool was_refused(const struct openai_request *request, const char *key, const char *what)
{
    return refused_has(request->openai->refused, key, request->call->model, what);
}

/* What was refused is not asked for the next time. */
static void remember(const struct openai_request *request, const char *key,
                     const struct openai_reply *reply)
{
    if (reply->no_stream)
        refused_add(request->openai->refused, key, request->call->model, "stream");
    if (reply->no_summary)
        refused_add(request->openai->refused, key, request->call->model, "summary");
}

static int send_request(const struct openai_request *request, json_t **body, const char *key,
                        struct openai_reply *reply, struct ein_error *err)
{
    const struct openai *openai = request->openai;
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    bool chat = request->style == OPENAI_CHAT;
    int r = openai_add_headers(openai, key, &headers, err);

    if (r < 0)
        return r;
    const struct vendor_call call = {
        .llm = request->call,
        .path = chat ? openai->chat_path : openai->responses_path,
        .headers = &headers,
        .body = body,
        .secret = key,
        .framing = request->stream ? VENDOR_SSE : VENDOR_JSON,
        .on_text = chat ? openai_chat_text : NULL,
        .on_event = chat ? openai_chat_event : openai_responses_event,
        .on_whole = chat ? openai_chat_whole : openai_responses_whole,
        .classify = classify,
        .data = reply,
    };
    r = vendor_run(&openai->vendor, &call, reply->outcome, err);
    return r == 0 && chat ? openai_chat_end(reply, err) : r;
}

/* *ret_again: it failed, and may be asked otherwise. */
static int ask_once(struct openai_request *request, const struct vendor_sink *sink, const char *key,
                    struct ein_llm_outcome *outcome, bool *ret_again, struct ein_error *err)
{
    EIN_JSON json_t *body = NULL;
    struct openai_reply reply;
    int r = openai_request_body(request, &body, err);

    *ret_again = false;
    if (r == EIN_E_INVALID)
        outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    if (r < 0)
        return r;
    openai_reply_init(&reply, request->openai, sink, key, outcome);
    r = send_request(request, &body, key, &reply, err);
    if (r < 0)
        remember(request, key, &reply);
    *ret_again = r < 0 && go_without(request, reply.no_stream, reply.no_summary);
    openai_reply_done(&reply);
    return r;
}

static int ask(const void *self, struct ein_llm_call *call, const struct vendor_sink *sink,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    int64_t until_ms = clock_mono_ms() + call->total_ms;
    struct openai_request request;
    const char *key = NULL;
    bool again = true;
    int r = openai_key(self, call, &key, outcome, err);

    openai_request_init(&request, self, call);
    if (r == 0)
        (void)go_without(&request, was_refused(&request, key, "stream"),
                         was_refused(&request, key, "summary"));
    while (r == 0 && again) {
        *outcome = (struct ein_llm_outcome){ .struct_size = sizeof(*outcome) };
        error_clear(err);
        vendor_left(call, until_ms);
        r = ask_once(&request, sink, key, outcome, &again, err);
        if (again)
            r = 0;
    }
    return r;
}

static int complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct vendor_completion how = { .ask = ask, .self = impl };

    return vendor_complete(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}

const struct ein_llm_provider openai_provider = {
    .struct_size = sizeof(openai_provider),
    .models = openai_models,
    .complete = complete,
    .embed = openai_embed,
};
