/* SPDX-License-Identifier: Apache-2.0 */
#include "anthropic.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "reply.h"
#include "reply_tool.h"
#include "vendor_schema.h"

static int on_event(void *data, const char *event, json_t *json, struct ein_error *err)
{
    struct reply *reply = data;
    int r = reply_event(reply, json, err);

    (void)event; /* the JSON says it too */
    return r >= 0 && reply->ended ? VENDOR_END : r;
}

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    struct reply *reply = data;
    int r = reply_whole(reply, json, err);

    if (r < 0 || reply->ended)
        return r;
    return vendor_fault(reply->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                        "%s sent JSON that is no answer", reply->vendor->title);
}

static int add_headers(const struct anthropic *anthropic, const char *key,
                       struct vendor_headers *headers, struct ein_error *err)
{
    int r = vendor_header(headers, "x-api-key", key, err);

    if (r >= 0)
        r = vendor_header(headers, "anthropic-version", anthropic->version, err);
    return r < 0 ? r : vendor_header(headers, "anthropic-beta", anthropic->beta, err);
}

static int run(const struct anthropic *anthropic, const struct ein_llm_call *call, json_t *body,
               struct reply *reply, struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    EIN_JSON json_t *asked = json_incref(body);
    int r = add_headers(anthropic, reply->secret, &headers, err);
    const struct vendor_call what = {
        .llm = call,
        .path = "/v1/messages",
        .headers = &headers,
        .body = &asked,
        .secret = reply->secret,
        .id_header = "request-id",
        .framing = VENDOR_SSE,
        .on_event = on_event,
        .on_whole = on_whole,
        .classify = anthropic_classify,
        .data = reply,
    };

    return r < 0 ? r : vendor_run(&anthropic->vendor, &what, reply->outcome, err);
}

/* Asks again while the vendor pauses, with what it has said so far at the end. */
static int run_on(const struct anthropic *anthropic, struct ein_llm_call *call, json_t *body,
                  struct reply *reply, struct ein_error *err)
{
    int64_t until_ms = clock_mono_ms() + call->total_ms;
    int r = run(anthropic, call, body, reply, err);

    for (uint32_t i = 0; r >= 0 && reply->paused && reply->content && i < anthropic->continuations;
         i++) {
        /* The array grows with the answer: it is put there once. */
        if (i == 0 && json_array_append_new(json_object_get(body, "messages"),
                                            json_pack("{s:s, s:O}", "role", "assistant", "content",
                                                      reply->content)) < 0)
            return error_no_memory(err);
        vendor_left(call, until_ms);
        reply_next(reply);
        r = run(anthropic, call, body, reply, err);
    }
    return r;
}

static int ask(const void *self, struct ein_llm_call *call, const struct vendor_sink *sink,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const struct anthropic *anthropic = self;
    struct reply reply = { .vendor = &anthropic->vendor,
                           .sink = *sink,
                           .outcome = outcome,
                           .keep = json_array_size(call->built_in_tools) > 0 };
    EIN_JSON json_t *body = NULL;
    int r = vendor_key(&anthropic->vendor, call, &reply.secret, outcome, err);

    if (r < 0)
        return r;
    r = anthropic_request(call, &anthropic->rules, &body, err);
    if (r == EIN_E_INVALID)
        outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    if (r >= 0)
        r = run_on(anthropic, call, body, &reply, err);
    reply_done(&reply);
    return r;
}

static bool answers_by_tool(const struct ein_llm_call *call)
{
    return reply_tool_is_said(call->settings) || vendor_schema_is_open(call->reply_schema);
}

int anthropic_complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                       struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct anthropic *anthropic = impl;
    const struct vendor_completion how = { anthropic->vendor.host, ask, anthropic,
                                           answers_by_tool };

    return vendor_complete(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}
