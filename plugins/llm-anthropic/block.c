/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "error.h"
#include "member.h"
#include "request.h"

#include <string.h>

static int strange(const struct reply *reply, struct ein_error *err)
{
    return vendor_fault(reply->outcome, EIN_LLM_FAULT_OVERLOADED, err,
                        "%s sent events that do not fit together", reply->vendor->title);
}

/* ---- open blocks ---- */

void block_close(struct reply_block *block)
{
    json_decref(block->start);
    json_decref(block->signature);
    json_decref(block->citations);
    buf_done(&block->text);
    *block = (struct reply_block){ 0 };
}

static struct reply_block *find(struct reply *reply, const json_t *event)
{
    const json_t *index = json_object_get(event, "index");

    for (size_t i = 0; json_is_integer(index) && i < REPLY_OPEN_MAX; i++)
        if (reply->open[i].start && reply->open[i].index == json_integer_value(index))
            return &reply->open[i];
    return NULL;
}

/* A page that the text names, told once. */
static int cite(struct reply *reply, struct reply_block *block, json_t *citation,
                struct ein_error *err)
{
    if (!json_is_object(citation))
        return 0;
    if (reply->keep) {
        if (!block->citations)
            block->citations = json_array();
        if (json_array_append(block->citations, citation) < 0)
            return error_no_memory(err);
    }
    return vendor_source(&reply->sink, &reply->sources,
                         json_pack("{s:s, s:s, s:O*}", "url", text_or_empty(citation, "url"),
                                   "title", text_or_empty(citation, "title"), "text",
                                   json_object_get(citation, "cited_text")),
                         err);
}

static int begin_text(struct reply *reply, struct reply_block *block, struct ein_error *err)
{
    const json_t *citations = json_object_get(block->start, "citations");
    const char *text = text_or_empty(block->start, "text");
    int r = 0;

    if (*text && reply->keep)
        r = vendor_keep(reply->vendor, &block->text, text, reply->outcome, err);
    if (*text && r >= 0)
        r = vendor_piece(&reply->sink, EIN_LLM_TEXT, text, NULL, err);
    for (size_t i = 0; r >= 0 && i < json_array_size(citations); i++)
        r = cite(reply, block, json_array_get(citations, i), err);
    return r;
}

int block_start(struct reply *reply, const json_t *event, struct ein_error *err)
{
    json_t *start = json_object_get(event, "content_block");
    struct reply_block *block = reply->open;

    if (!json_is_object(start) || !json_is_integer(json_object_get(event, "index")) ||
        find(reply, event))
        return strange(reply, err);
    while (block < reply->open + REPLY_OPEN_MAX && block->start)
        block++;
    if (block == reply->open + REPLY_OPEN_MAX)
        return strange(reply, err);
    block->index = json_integer_value(json_object_get(event, "index"));
    block->start = json_incref(start);
    buf_init(&block->text, reply->vendor->event_max);
    return strcmp(text_or_empty(start, "type"), "text") == 0 ? begin_text(reply, block, err) : 0;
}

/* ---- deltas ---- */

int block_delta(struct reply *reply, const json_t *event, struct ein_error *err)
{
    static const struct {
        const char *type, *member;
        int kind; /* of the piece; 0: none yet */
    } deltas[] = {
        { "text_delta", "text", EIN_LLM_TEXT },
        { "thinking_delta", "thinking", EIN_LLM_THOUGHT },
        { "input_json_delta", "partial_json", 0 },
    };
    const json_t *delta = json_object_get(event, "delta");
    const char *type = text_or_empty(delta, "type");
    struct reply_block *block = find(reply, event);
    int r = 0;

    if (!block)
        return strange(reply, err);
    if (strcmp(type, "citations_delta") == 0)
        return cite(reply, block, json_object_get(delta, "citation"), err);
    if (strcmp(type, "signature_delta") == 0) {
        json_decref(block->signature);
        block->signature = json_incref(json_object_get(delta, "signature"));
        return 0;
    }
    for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
        if (strcmp(deltas[i].type, type) != 0)
            continue;
        const char *text = text_or_empty(delta, deltas[i].member);
        if (reply->keep || deltas[i].kind == 0)
            r = vendor_keep(reply->vendor, &block->text, text, reply->outcome, err);
        if (r >= 0 && deltas[i].kind)
            r = vendor_piece(&reply->sink, deltas[i].kind, text, NULL, err);
    }
    return r;
}

/* ---- the end of a block ---- */

/* The arguments of a tool call, or NULL. */
static json_t *input_of(const struct reply_block *block)
{
    EIN_JSON json_t *input = block->text.len > 0
                                 ? vendor_json(buf_str(&block->text), block->text.len)
                                 : json_incref(json_object_get(block->start, "input"));

    if (json_is_object(input))
        return EIN_TAKE(input);
    return block->text.len > 0 ? NULL : json_object();
}

/* ---- searches of the web ---- */

static int add_result(json_t *results, const json_t *block)
{
    return json_array_append_new(results, json_pack("{s:O*, s:O*, s:O*, s:O*}", "url",
                                                    json_object_get(block, "url"), "title",
                                                    json_object_get(block, "title"), "age",
                                                    json_object_get(block, "page_age"), "sealed",
                                                    json_object_get(block, "encrypted_content")));
}

/* Told when its result is there, with what was looked for. */
static int end_search(const struct reply *reply, const struct reply_block *block,
                      struct ein_error *err)
{
    const char *id = text_or_empty(block->start, "tool_use_id");
    const json_t *content = json_object_get(block->start, "content");
    EIN_JSON json_t *results = json_array();
    EIN_JSON json_t *data = NULL;

    for (size_t i = 0; i < json_array_size(content); i++)
        if (add_result(results, json_array_get(content, i)) < 0)
            return error_no_memory(err);
    data =
        json_pack("{s:s, s:O*, s:O, s:O*}", "id", id, "query", json_object_get(reply->queries, id),
                  "results", results, "error", json_object_get(content, "error_code"));
    return data ? vendor_piece(&reply->sink, EIN_LLM_SEARCH, NULL, data, err)
                : error_no_memory(err);
}

static int begin_search(struct reply *reply, const struct reply_block *block, const json_t *input,
                        struct ein_error *err)
{
    json_t *query = json_object_get(input, "query");

    if (!json_is_string(query) || strcmp(text_or_empty(block->start, "name"), "web_search") != 0)
        return 0;
    if (!reply->queries)
        reply->queries = json_object();
    return json_object_set(reply->queries, text_or_empty(block->start, "id"), query) < 0
               ? error_no_memory(err)
               : 0;
}

/* What the vendor's own tools are asked is not for the caller, but for a search. */
static int end_call(struct reply *reply, struct reply_block *block, struct ein_error *err)
{
    EIN_JSON json_t *input = input_of(block);

    if (!input) {
        reply->broken_call = true;
        return 0;
    }
    if (strcmp(text_or_empty(block->start, "type"), "tool_use") != 0)
        return begin_search(reply, block, input, err);
    return vendor_tool_object(reply->vendor, &reply->sink, text_of(block->start, "id"),
                              text_of(block->start, "name"), input, NULL, reply->outcome, err);
}

static int end_thought(const struct reply *reply, const char *name, const json_t *value,
                       struct ein_error *err)
{
    return json_string_length(value) > 0
               ? vendor_replay(&reply->sink, ANTHROPIC_WIRE, name, value, err)
               : 0;
}

/* The block as it would have come in one piece. */
static int keep(struct reply *reply, const struct reply_block *block, struct ein_error *err)
{
    EIN_JSON json_t *whole = json_copy(block->start);
    const char *type = text_or_empty(whole, "type");
    int bad = !whole;

    if (!bad && strcmp(type, "text") == 0)
        bad = json_object_set_new(whole, "text", json_string(buf_str(&block->text))) |
              (block->citations ? json_object_set(whole, "citations", block->citations) : 0);
    else if (!bad && strcmp(type, "thinking") == 0)
        bad = json_object_set_new(whole, "thinking", json_string(buf_str(&block->text))) |
              (block->signature ? json_object_set(whole, "signature", block->signature) : 0);
    else if (!bad && json_object_get(whole, "input"))
        bad = json_object_set_new(whole, "input", input_of(block));
    if (!reply->content)
        reply->content = json_array();
    if (bad || json_array_append(reply->content, whole) < 0)
        return error_no_memory(err);
    return 0;
}

static int end(struct reply *reply, struct reply_block *block, struct ein_error *err)
{
    const char *type = text_or_empty(block->start, "type");

    if (strcmp(type, "tool_use") == 0 || json_object_get(block->start, "input"))
        return end_call(reply, block, err);
    if (strcmp(type, "thinking") == 0)
        return end_thought(
            reply, "signature",
            block->signature ? block->signature : json_object_get(block->start, "signature"), err);
    if (strcmp(type, "redacted_thinking") == 0)
        return end_thought(reply, "redacted", json_object_get(block->start, "data"), err);
    if (strcmp(type, "web_search_tool_result") == 0)
        return end_search(reply, block, err);
    return 0;
}

int block_stop(struct reply *reply, const json_t *event, struct ein_error *err)
{
    struct reply_block *block = find(reply, event);
    int r;

    if (!block)
        return strange(reply, err);
    r = end(reply, block, err);
    if (r >= 0 && reply->keep && !reply->broken_call)
        r = keep(reply, block, err);
    block_close(block);
    return r;
}
