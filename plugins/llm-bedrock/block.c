/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "member.h"
#include "reply.h"
#include "request.h"

#include <string.h>

static int strange(const struct reply *reply, struct ein_error *err)
{
    return vendor_fault(reply->outcome, EIN_LLM_FAULT_OVERLOADED, err,
                        "%s sent events that do not fit together", reply->vendor->title);
}

void block_close(struct reply_block *block)
{
    json_decref(block->tool);
    buf_done(&block->input);
    buf_done(&block->signature);
    buf_done(&block->redacted);
    *block = (struct reply_block){ 0 };
}

/* Blocks of text begin with their first delta. */
static int find(struct reply *reply, const json_t *event, struct reply_block **ret_block,
                struct ein_error *err)
{
    const json_t *index = json_object_get(event, "contentBlockIndex");
    size_t max = reply->vendor->event_max;
    struct reply_block *unused = NULL;

    if (!json_is_integer(index))
        return strange(reply, err);
    for (size_t i = REPLY_OPEN_MAX; i-- > 0;) {
        struct reply_block *block = &reply->open[i];

        if (!block->used) {
            unused = block;
        } else if (block->index == json_integer_value(index)) {
            *ret_block = block;
            return 0;
        }
    }
    if (!unused)
        return strange(reply, err);
    *unused = (struct reply_block){ .used = true, .index = json_integer_value(index) };
    buf_init(&unused->input, max);
    buf_init(&unused->signature, max);
    buf_init(&unused->redacted, max);
    *ret_block = unused;
    return 0;
}

int block_start(struct reply *reply, const json_t *event, struct ein_error *err)
{
    const json_t *start = json_object_get(event, "start");
    json_t *tool = json_object_get(start, "toolUse");
    struct reply_block *block;
    int r = find(reply, event, &block, err);

    if (r < 0)
        return r;
    if (block->tool)
        return strange(reply, err);
    block->of_the_vendor = strcmp(text_or_empty(tool, "type"), "server_tool_use") == 0 ||
                           json_object_get(start, "toolResult");
    block->tool = json_is_object(tool) ? json_incref(tool) : NULL;
    return 0;
}

/* A page that the text names, told once. */
static int cite(struct reply *reply, const json_t *citation, struct ein_error *err)
{
    const json_t *web = json_object_get(json_object_get(citation, "location"), "web");
    const char *url = text_or_empty(web, "url"), *title = text_or_empty(citation, "title");

    return vendor_source(
        &reply->sink, &reply->sources,
        json_pack("{s:s, s:s}", "url", url, "title", *title ? title : text_or_empty(web, "domain")),
        err);
}

static int think(struct reply *reply, struct reply_block *block, const json_t *thought,
                 struct ein_error *err)
{
    int r = vendor_keep(reply->vendor, &block->signature, text_or_empty(thought, "signature"),
                        reply->outcome, err);

    if (r >= 0)
        r = vendor_keep(reply->vendor, &block->redacted, text_or_empty(thought, "redactedContent"),
                        reply->outcome, err);
    if (r < 0 || reply->hidden)
        return r;
    return vendor_piece(&reply->sink, EIN_LLM_THOUGHT, text_or_empty(thought, "text"), NULL, err);
}

int block_delta(struct reply *reply, const json_t *event, struct ein_error *err)
{
    const json_t *delta = json_object_get(event, "delta");
    const json_t *thought = json_object_get(delta, "reasoningContent");
    const json_t *tool = json_object_get(delta, "toolUse");
    const json_t *citation = json_object_get(delta, "citation");
    struct reply_block *block;
    int r = find(reply, event, &block, err);

    if (r < 0)
        return r;
    if (tool && !block->tool)
        return strange(reply, err);
    if (thought)
        return think(reply, block, thought, err);
    if (tool)
        return vendor_keep(reply->vendor, &block->input, text_or_empty(tool, "input"),
                           reply->outcome, err);
    if (citation)
        return cite(reply, citation, err);
    return vendor_piece(&reply->sink, EIN_LLM_TEXT, text_or_empty(delta, "text"), NULL, err);
}

/* ---- the end of a block ---- */

static int end_call(struct reply *reply, const struct reply_block *block, struct ein_error *err)
{
    const struct buf *input = &block->input;
    EIN_JSON json_t *arguments =
        input->len > 0 ? vendor_json(buf_str(input), input->len) : json_object();

    if (!json_is_object(arguments)) {
        reply->broken_call = true;
        return 0;
    }
    return vendor_tool_object(reply->vendor, &reply->sink, text_of(block->tool, "toolUseId"),
                              text_of(block->tool, "name"), arguments, NULL, reply->outcome, err);
}

static int end_thought(const struct reply *reply, const char *name, const struct buf *value,
                       struct ein_error *err)
{
    EIN_JSON json_t *text = value->len > 0 ? json_string(buf_str(value)) : NULL;

    return value->len > 0 ? vendor_replay(&reply->sink, BEDROCK_WIRE, name, text, err) : 0;
}

int block_stop(struct reply *reply, const json_t *event, struct ein_error *err)
{
    struct reply_block *block;
    int r = find(reply, event, &block, err);

    if (r >= 0 && block->tool && !block->of_the_vendor)
        r = end_call(reply, block, err);
    if (r >= 0)
        r = end_thought(reply, "signature", &block->signature, err);
    if (r >= 0)
        r = end_thought(reply, "redacted", &block->redacted, err);
    if (r >= 0)
        block_close(block);
    return r;
}
