/* SPDX-License-Identifier: Apache-2.0 */
#include "bedrock.h"
#include "cleanup.h"
#include "error.h"
#include "question.h"
#include "reply.h"
#include "reply_tool.h"
#include "request.h"
#include "thinking.h"
#include "vendor_schema.h"

struct answer {
    struct reply reply;
    struct frames frames;
};

static int on_bytes(void *data, const void *piece, size_t len, struct ein_error *err)
{
    struct answer *answer = data;
    struct reply *reply = &answer->reply;
    struct ein_error why = { 0 };
    int r = frames_feed(&answer->frames, piece, len, reply_frame, reply, &why);

    if (r == EIN_E_UNAVAILABLE && reply->outcome->fault == EIN_LLM_FAULT_NONE)
        return vendor_fault(reply->outcome, EIN_LLM_FAULT_UNREACHABLE, err, "%s sent %s",
                            reply->vendor->title, why.text);
    if (r < 0)
        return error_set(err, r, "%s", why.text);
    if (reply->ended)
        return VENDOR_END;
    return reply->stopped ? VENDOR_MAY_END : 0;
}

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    struct answer *answer = data;

    return reply_whole(&answer->reply, json, err);
}

/* ---- a call ---- */

static int write_body(const struct bedrock *bedrock, const struct ein_llm_call *call,
                      struct question *question, struct ein_error *err)
{
    int64_t max_tokens = thinking_max_tokens(call->parameters, call->settings, bedrock->max_tokens);
    EIN_JSON json_t *body = NULL;
    int r = bedrock_request(bedrock->vendor.host, call, max_tokens, &body, err);

    question->whole = bedrock_is_whole(call, body);
    if (r >= 0)
        r = question_path(question, call->model, question->whole ? "converse" : "converse-stream",
                          err);
    return r < 0 ? r : question_body(bedrock, question, body, err);
}

static int run(const struct bedrock *bedrock, const struct ein_llm_call *call,
               const struct question *question, struct answer *answer, struct ein_error *err)
{
    const struct vendor_call what = {
        .llm = call,
        .path = question->path,
        .headers = &question->headers,
        .accept = question->whole ? NULL : "Accept: application/vnd.amazon.eventstream",
        .body_text = question->body,
        .body_len = question->body_len,
        .secret = answer->reply.secret,
        .id_header = "x-amzn-requestid",
        .framing = question->whole ? VENDOR_JSON : VENDOR_BYTES,
        .on_bytes = on_bytes,
        .on_whole = question->whole ? on_whole : NULL,
        .classify = bedrock_classify,
        .data = answer,
    };

    return vendor_run(&bedrock->vendor, &what, answer->reply.outcome, err);
}

static int ask_with(const struct bedrock *bedrock, const struct ein_llm_call *call,
                    struct question *question, struct answer *answer, struct ein_error *err)
{
    int r = write_body(bedrock, call, question, err);

    if (r == EIN_E_INVALID)
        answer->reply.outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    if (r >= 0)
        r = question_authorize(bedrock, call, question, answer->reply.outcome, err);
    answer->reply.secret = question->secret;
    return r < 0 ? r : run(bedrock, call, question, answer, err);
}

/* Most models take no schema, none takes an open one; those that call tools can be told to answer
 * by one. */
static bool answers_by_tool(const struct ein_llm_call *call)
{
    return reply_tool_is_said(call->settings) ||
           (json_is_true(json_object_get(call->settings, "can_tool_call")) &&
            (!json_is_true(json_object_get(call->settings, "can_structured_output")) ||
             vendor_schema_is_open(call->reply_schema)));
}

static int ask(const void *self, struct ein_llm_call *call, const struct vendor_sink *sink,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const struct bedrock *bedrock = self;
    struct question question = { 0 };
    struct answer answer = { .reply = { .vendor = &bedrock->vendor,
                                        .sink = *sink,
                                        .outcome = outcome,
                                        .hidden = json_is_false(
                                            json_object_get(call->parameters, "show_thinking")) } };
    int r;

    frames_init(&answer.frames, bedrock->vendor.event_max);
    r = ask_with(bedrock, call, &question, &answer, err);
    question_done(bedrock, &question);
    frames_done(&answer.frames);
    reply_done(&answer.reply);
    return r;
}

int bedrock_complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                     struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct bedrock *bedrock = impl;
    const struct vendor_completion how = { bedrock->vendor.host, ask, bedrock, answers_by_tool };

    return vendor_complete(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}
