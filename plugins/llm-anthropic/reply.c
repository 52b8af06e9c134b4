/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "member.h"

#include <stdio.h>
#include <string.h>

/* ---- usage ---- */

static void count(const json_t *usage, const char *name, uint64_t *counter)
{
    uint64_t told = vendor_count(usage, name);

    if (told)
        *counter = told;
}

/* Later numbers take the place of earlier ones: they are sums.  Some servers end in zeros of all
 * but what came out, which only the end can tell. */
static void read_usage(struct reply *reply, const json_t *usage)
{
    const json_t *creation = json_object_get(usage, "cache_creation");
    const json_t *details = json_object_get(usage, "output_tokens_details");
    struct reply_usage *now = &reply->now;
    uint64_t minutes = 0;

    count(usage, "input_tokens", &now->input);
    count(usage, "cache_read_input_tokens", &now->cached);
    count(creation, "ephemeral_5m_input_tokens", &minutes);
    count(creation, "ephemeral_1h_input_tokens", &now->hour);
    if (json_is_object(creation) && minutes + now->hour)
        now->written = minutes + now->hour;
    count(usage, "cache_creation_input_tokens", &now->written);
    if (json_is_number(json_object_get(usage, "output_tokens")))
        now->output = vendor_count(usage, "output_tokens");
    count(details, "reasoning_tokens", &now->reasoning);
    count(details, "thinking_tokens", &now->reasoning);
    count(json_object_get(usage, "server_tool_use"), "web_search_requests", &now->searches);

    struct ein_llm_outcome *outcome = reply->outcome;
    const struct reply_usage *before = &reply->before;
    outcome->cached_tokens = before->cached + now->cached;
    outcome->cache_write_tokens = before->written + now->written;
    outcome->cache_hour_tokens = before->hour + now->hour;
    outcome->input_tokens =
        before->input + now->input + outcome->cached_tokens + outcome->cache_write_tokens;
    outcome->output_tokens = before->output + now->output;
    outcome->reasoning_tokens = before->reasoning + now->reasoning;
    outcome->searches = before->searches + now->searches;
}

void reply_next(struct reply *reply)
{
    reply->before.input += reply->now.input;
    reply->before.cached += reply->now.cached;
    reply->before.written += reply->now.written;
    reply->before.hour += reply->now.hour;
    reply->before.output += reply->now.output;
    reply->before.reasoning += reply->now.reasoning;
    reply->before.searches += reply->now.searches;
    reply->now = (struct reply_usage){ 0 };
    reply->paused = reply->ended = false;
    for (size_t i = 0; i < REPLY_OPEN_MAX; i++)
        block_close(&reply->open[i]);
}

/* ---- the message around the blocks ---- */

static int message_start(struct reply *reply, const json_t *event, struct ein_error *err)
{
    const json_t *message = json_object_get(event, "message");

    (void)err;
    (void)snprintf(reply->outcome->model, sizeof(reply->outcome->model), "%s",
                   text_or_empty(message, "model"));
    read_usage(reply, json_object_get(message, "usage"));
    return 0;
}

static const char *stop_of(const char *reason)
{
    static const char *const reasons[][2] = {
        { "end_turn", "stop" },
        { "stop_sequence", "stop" },
        { "tool_use", "tool_calls" },
        { "max_tokens", "length" },
        { "model_context_window_exceeded", "length" },
        { "pause_turn", "length" }, /* for who does not go on */
        { "refusal", "content_filter" },
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(reasons[i][0], reason) == 0)
            return reasons[i][1];
    return "stop";
}

static int message_delta(struct reply *reply, const json_t *event, struct ein_error *err)
{
    const json_t *delta = json_object_get(event, "delta");
    const char *reason = text_or_empty(delta, "stop_reason");
    struct ein_llm_outcome *outcome = reply->outcome;

    read_usage(reply, json_object_get(event, "usage"));
    if (!*reason)
        return 0;
    (void)snprintf(outcome->stop_reason, sizeof(outcome->stop_reason), "%s", stop_of(reason));
    (void)snprintf(outcome->stop_sequence, sizeof(outcome->stop_sequence), "%s",
                   text_or_empty(delta, "stop_sequence"));
    reply->paused = strcmp(reason, "pause_turn") == 0;
    if (!reply->broken_call || (strcmp(outcome->stop_reason, "length") == 0 && !reply->paused))
        return 0;
    return vendor_fault(outcome, EIN_LLM_FAULT_OVERLOADED, err,
                        "%s sent a tool call that is not JSON", reply->vendor->title);
}

static int message_stop(struct reply *reply, const json_t *event, struct ein_error *err)
{
    (void)event;
    (void)err;
    reply->ended = true;
    return 0;
}

/* An answer that began well may fail all the same. */
static int failed(struct reply *reply, const json_t *event, struct ein_error *err)
{
    struct vendor_failure failure = { .body = event, .fault = EIN_LLM_FAULT_OVERLOADED };
    const char *id = text_or_empty(event, "request_id");

    if (*id)
        (void)snprintf(reply->outcome->vendor_request_id, sizeof(reply->outcome->vendor_request_id),
                       "%s", id);
    anthropic_classify(NULL, &failure);
    return vendor_fail(reply->vendor, &failure, reply->secret, reply->outcome, err);
}

int reply_event(struct reply *reply, const json_t *event, struct ein_error *err)
{
    static const struct {
        const char *type;
        int (*read)(struct reply *reply, const json_t *event, struct ein_error *err);
    } events[] = {
        { "content_block_delta", block_delta },
        { "content_block_start", block_start },
        { "content_block_stop", block_stop },
        { "message_start", message_start },
        { "message_delta", message_delta },
        { "message_stop", message_stop },
        { "error", failed },
    };
    const char *type = text_or_empty(event, "type");

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (strcmp(events[i].type, type) == 0)
            return events[i].read(reply, event, err);
    return 0; /* ping, and what is not known yet */
}

/* ---- an answer in one piece ---- */

static int whole_block(struct reply *reply, json_t *block, size_t index, struct ein_error *err)
{
    EIN_JSON json_t *event =
        json_pack("{s:i, s:O, s:{s:s, s:s}}", "index", (int)index, "content_block", block, "delta",
                  "type", "thinking_delta", "thinking", text_or_empty(block, "thinking"));
    int r = block_start(reply, event, err);

    if (r >= 0 && *text_or_empty(block, "thinking"))
        r = block_delta(reply, event, err);
    return r < 0 ? r : block_stop(reply, event, err);
}

int reply_whole(struct reply *reply, const json_t *message, struct ein_error *err)
{
    const json_t *content = json_object_get(message, "content");
    EIN_JSON json_t *event = NULL;
    int r = 0;

    if (strcmp(text_or_empty(message, "type"), "message") != 0)
        return reply_event(reply, message, err);
    event = json_pack("{s:O, s:O, s:O*}", "message", message, "delta", message, "usage",
                      json_object_get(message, "usage"));
    (void)message_start(reply, event, err);
    for (size_t i = 0; r >= 0 && i < json_array_size(content); i++)
        r = whole_block(reply, json_array_get(content, i), i, err);
    if (r >= 0)
        r = message_delta(reply, event, err);
    return r < 0 ? r : message_stop(reply, event, err);
}

void reply_done(struct reply *reply)
{
    for (size_t i = 0; i < REPLY_OPEN_MAX; i++)
        block_close(&reply->open[i]);
    json_decref(reply->content);
    json_decref(reply->sources);
    json_decref(reply->queries);
    reply->content = reply->sources = reply->queries = NULL;
}
