/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "cleanup.h"
#include "member.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *reason, *stop; /* stop NULL: the answer is none */
} reasons[] = {
    { "end_turn", "stop" },
    { "stop_sequence", "stop" },
    { "tool_use", "tool_calls" },
    { "max_tokens", "length" },
    { "model_context_window_exceeded", "length" },
    { "guardrail_intervened", "content_filter" },
    { "content_filtered", "content_filter" },
    { "malformed_model_output", NULL },
    { "malformed_tool_use", NULL },
};

static const char *stop_of(const char *reason)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(reasons[i].reason, reason) == 0)
            return reasons[i].stop;
    return "stop";
}

static int message_stop(struct reply *reply, const json_t *event, struct ein_error *err)
{
    const char *stop = stop_of(text_or_empty(event, "stopReason"));
    struct ein_llm_outcome *outcome = reply->outcome;

    if (!stop || (reply->broken_call && strcmp(stop, "length") != 0))
        return vendor_fault(outcome, EIN_LLM_FAULT_OVERLOADED, err,
                            stop ? "%s sent a tool call that is not JSON"
                                 : "%s sent an answer of the model that it could not read",
                            reply->vendor->title);
    (void)snprintf(outcome->stop_reason, sizeof(outcome->stop_reason), "%s", stop);
    reply->stopped = true;
    return 0;
}

/* How much of what was written is kept for an hour. */
static uint64_t hour_of(const json_t *details)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < json_array_size(details); i++)
        if (strcmp(text_or_empty(json_array_get(details, i), "ttl"), "1h") == 0)
            sum += vendor_count(json_array_get(details, i), "inputTokens");
    return sum;
}

static int metadata(struct reply *reply, const json_t *event, struct ein_error *err)
{
    const json_t *usage = json_object_get(event, "usage");
    struct ein_llm_outcome *outcome = reply->outcome;

    (void)err;
    outcome->cached_tokens = vendor_count(usage, "cacheReadInputTokens");
    outcome->cache_write_tokens = vendor_count(usage, "cacheWriteInputTokens");
    outcome->cache_hour_tokens = hour_of(json_object_get(usage, "cacheDetails"));
    outcome->input_tokens =
        vendor_count(usage, "inputTokens") + outcome->cached_tokens + outcome->cache_write_tokens;
    outcome->output_tokens = vendor_count(usage, "outputTokens");
    reply->ended = reply->stopped;
    return 0;
}

/* An answer that began well may fail all the same. */
static int failed(const struct reply *reply, const struct frame *frame, struct ein_error *err)
{
    EIN_JSON json_t *body = vendor_json(frame->payload, frame->payload_len);
    const char *name = *frame->exception_type ? frame->exception_type : frame->error_code;
    struct vendor_failure failure = {
        .body = body,
        .fault = EIN_LLM_FAULT_OVERLOADED,
        .words = *frame->error_message ? frame->error_message : NULL,
    };

    bedrock_classify(NULL, &failure);
    failure.fault = bedrock_fault(name, failure.fault);
    return vendor_fail(reply->vendor, &failure, reply->secret, reply->outcome, err);
}

int reply_frame(const struct frame *frame, void *data, struct ein_error *err)
{
    static const struct {
        const char *type;
        int (*read)(struct reply *reply, const json_t *event, struct ein_error *err);
    } events[] = {
        { "contentBlockDelta", block_delta },
        { "contentBlockStart", block_start },
        { "contentBlockStop", block_stop },
        { "messageStop", message_stop },
        { "metadata", metadata },
    };
    struct reply *reply = data;
    EIN_JSON json_t *event = NULL;

    if (strcmp(frame->message_type, "event") != 0)
        return failed(reply, frame, err);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (strcmp(events[i].type, frame->event_type) != 0)
            continue;
        event = vendor_json(frame->payload, frame->payload_len);
        if (!event)
            return vendor_fault(reply->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                                "%s sent something that is not JSON", reply->vendor->title);
        return events[i].read(reply, event, err);
    }
    return 0; /* messageStart, and what is not known yet */
}

/* ---- whole ---- */

/* What the block would have been as a delta. */
static json_t *delta_of(const json_t *block)
{
    const json_t *tool = json_object_get(block, "toolUse");
    json_t *thought = json_object_get(block, "reasoningContent");
    json_t *said = json_object_get(thought, "reasoningText");

    if (tool) {
        EIN_FREE char *input = json_dumps(json_object_get(tool, "input"), JSON_ENCODE_ANY);
        return json_pack("{s:{s:s}}", "toolUse", "input", input ? input : "");
    }
    return said ? json_pack("{s:O}", "reasoningContent", said) : json_incref((json_t *)block);
}

static int whole_block(struct reply *reply, json_t *block, size_t index, struct ein_error *err)
{
    EIN_JSON json_t *event = json_pack("{s:i, s:O, s:o}", "contentBlockIndex", (int)index, "start",
                                       block, "delta", delta_of(block));
    int r = block_start(reply, event, err);

    if (r >= 0)
        r = block_delta(reply, event, err);
    return r < 0 ? r : block_stop(reply, event, err);
}

int reply_whole(struct reply *reply, const json_t *answer, struct ein_error *err)
{
    const json_t *message = json_object_get(json_object_get(answer, "output"), "message");
    const json_t *content = json_object_get(message, "content");
    int r = 0;

    if (!json_is_array(content) || !json_is_string(json_object_get(answer, "stopReason")))
        return vendor_fault(reply->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                            "%s sent JSON that is no answer", reply->vendor->title);
    for (size_t i = 0; r >= 0 && i < json_array_size(content); i++)
        r = whole_block(reply, json_array_get(content, i), i, err);
    if (r >= 0)
        r = message_stop(reply, answer, err);
    return r < 0 ? r : metadata(reply, answer, err);
}

void reply_done(struct reply *reply)
{
    for (size_t i = 0; i < REPLY_OPEN_MAX; i++)
        block_close(&reply->open[i]);
    json_decref(reply->sources);
    reply->sources = NULL;
}
