/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of responses, in events or whole. */
#include "error.h"
#include "member.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

static bool has_status(const json_t *response, const char *status)
{
    const char *text = text_of(response, "status");

    return text && strcmp(text, status) == 0;
}

/* ---- items of the output, when they are whole ---- */

static int give_summary(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    const json_t *list = json_object_get(item, "summary"), *part;
    EIN_JSON json_t *gap = json_string("\n\n");
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)list, i, part)
    {
        if (r == 0 && i > 0)
            r = openai_give_thought(reply, gap, err);
        if (r == 0)
            r = openai_give_thought(reply, json_object_get(part, "text"), err);
    }
    return r;
}

/* Without its seal it would be worth nothing when it is sent back. */
static int give_reasoning(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    EIN_JSON json_t *kept = NULL;

    if (!text_of(item, "encrypted_content"))
        return 0;
    kept = json_copy((json_t *)item);
    if (!kept)
        return error_no_memory(err);
    (void)json_object_del(kept, "status");
    return vendor_replay(&reply->sink, reply->openai->vendor.title, "item", kept, err);
}

static int give_annotations(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    const json_t *list = json_object_get(item, "content"), *part;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)list, i, part)
    {
        if (r == 0)
            r = openai_give_sources(reply, json_object_get(part, "annotations"), err);
    }
    return r;
}

static int give_parts(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    const json_t *list = json_object_get(item, "content"), *part;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)list, i, part)
    {
        if (r == 0)
            r = openai_is_type(part, "refusal")
                    ? openai_give_refusal(reply, json_object_get(part, "refusal"), err)
                    : openai_give_text(reply, json_object_get(part, "text"), err);
    }
    return r;
}

static int give_function(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    const char *status = text_of(item, "status"), *arguments = text_of(item, "arguments");

    if (status && strcmp(status, "incomplete") == 0) /* there was no room for the rest of it */
        return 0;
    return openai_give_call(reply, text_of(item, "call_id"), text_of(item, "name"),
                            arguments ? arguments : "", err);
}

static int add_page(json_t *pages, const json_t *source)
{
    return json_array_append_new(pages,
                                 json_pack("{s:O*, s:O*}", "url", json_object_get(source, "url"),
                                           "title", json_object_get(source, "title")));
}

static json_t *query_of(const json_t *action)
{
    json_t *query = json_object_get(action, "query");

    return query ? query : json_array_get(json_object_get(action, "queries"), 0);
}

/* It opens pages as well, which is not charged for. */
static int give_search(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    json_t *action = json_object_get(item, "action"), *source;
    const char *id = text_of(item, "id"), *what = text_of(action, "type");
    EIN_JSON json_t *pages = json_array();
    EIN_JSON json_t *data = NULL;
    size_t i;
    int r = id ? vendor_note(&reply->sources, id, err) : 0;

    if (r <= 0)
        return r;
    json_array_foreach(json_object_get(action, "sources"), i, source)
    {
        if (add_page(pages, source) < 0)
            return error_no_memory(err);
    }
    data = json_pack("{s:s, s:O*, s:O, s:O*, s:s*}", "id", id, "query", query_of(action), "results",
                     pages, "action", action, "error",
                     has_status(item, "failed") ? "unavailable" : NULL);
    reply->outcome->searches += !what || strcmp(what, "search") == 0;
    return data ? vendor_piece(&reply->sink, EIN_LLM_SEARCH, NULL, data, err)
                : error_no_memory(err);
}

/* What was not told in pieces before. */
static int take_item(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    if (openai_is_type(item, "function_call"))
        return give_function(reply, item, err);
    if (openai_is_type(item, "reasoning"))
        return give_reasoning(reply, item, err);
    if (openai_is_type(item, "web_search_call"))
        return give_search(reply, item, err);
    if (openai_is_type(item, "search_results"))
        return openai_give_sources(reply, json_object_get(item, "results"), err);
    return openai_is_type(item, "message") ? give_annotations(reply, item, err) : 0;
}

/* An item of which there was no piece. */
static int take_whole_item(struct openai_reply *reply, const json_t *item, struct ein_error *err)
{
    int r = 0;

    if (openai_is_type(item, "message"))
        r = give_parts(reply, item, err);
    else if (openai_is_type(item, "reasoning"))
        r = give_summary(reply, item, err);
    return r < 0 ? r : take_item(reply, item, err);
}

/* ---- the end ---- */

static int take_output(struct openai_reply *reply, const json_t *response, struct ein_error *err)
{
    const json_t *list = json_object_get(response, "output"), *item;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)list, i, item)
    {
        if (r == 0)
            r = take_whole_item(reply, item, err);
    }
    return r;
}

static const char *reason_of(const json_t *response)
{
    const char *why = text_of(json_object_get(response, "incomplete_details"), "reason");
    const char *status = text_of(response, "status");

    if (!status || strcmp(status, "incomplete") != 0)
        return "stop";
    return why && strcmp(why, "content_filter") == 0 ? "content_filter" : "length";
}

/* completed, incomplete, failed, or cancelled. */
static int take_end(struct openai_reply *reply, const json_t *response, struct ein_error *err)
{
    bool told = reply->has_text || reply->has_calls;
    int r = 0;

    openai_take_names(reply, json_object_get(response, "id"), json_object_get(response, "model"));
    openai_take_usage(reply->outcome, json_object_get(response, "usage"));
    if (unless_null(response, "error") || has_status(response, "failed") ||
        has_status(response, "cancelled"))
        return openai_fail(reply, response, err);
    if (!told)
        r = take_output(reply, response, err);
    openai_stop(reply, reason_of(response));
    reply->finished = true;
    return r < 0 ? r : VENDOR_END;
}

int openai_responses_whole(void *data, json_t *json, struct ein_error *err)
{
    struct openai_reply *reply = data;

    if (!json_is_array(json_object_get(json, "output")) && !unless_null(json, "error"))
        return json_object_get(json, "message") ? openai_fail(reply, json, err)
                                                : openai_garbled(reply, err);
    return take_end(reply, json, err);
}

/* ---- events ---- */

static int on_text(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    return openai_give_text(reply, json_object_get(event, "delta"), err);
}

static int on_refusal(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    return openai_give_refusal(reply, json_object_get(event, "delta"), err);
}

static int on_thought(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    return openai_give_thought(reply, json_object_get(event, "delta"), err);
}

static int on_summary_part(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    EIN_JSON json_t *gap = json_string("\n\n");

    return reply->has_thought && json_integer_value(json_object_get(event, "summary_index")) > 0
               ? openai_give_thought(reply, gap, err)
               : 0;
}

static int on_annotation(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    return openai_give_sources(reply, json_object_get(event, "annotation"), err);
}

static int on_item(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    return take_item(reply, json_object_get(event, "item"), err);
}

static int on_begin(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    const json_t *response = json_object_get(event, "response");

    (void)err;
    openai_take_names(reply, json_object_get(response, "id"), json_object_get(response, "model"));
    return 0;
}

static int on_end(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    return take_end(reply, json_object_get(event, "response"), err);
}

/* Perplexity tells what it thinks, looks for and finds, before it writes. */
static int on_search(struct openai_reply *reply, const json_t *event, struct ein_error *err)
{
    EIN_JSON json_t *line = json_string("\n");
    const json_t *thought = json_object_get(event, "thought");
    int r = openai_give_thought(reply, thought, err);

    if (r == 0 && json_string_length(thought))
        r = openai_give_thought(reply, line, err);
    if (r == 0)
        r = openai_give_sources(reply, json_object_get(event, "results"), err);
    return r == 0 ? openai_give_sources(reply, json_object_get(event, "contents"), err) : r;
}

static const struct {
    const char *type;
    int (*take)(struct openai_reply *reply, const json_t *event, struct ein_error *err);
} events[] = {
    { "response.output_text.delta", on_text },
    { "response.refusal.delta", on_refusal },
    { "response.reasoning_summary_text.delta", on_thought },
    { "response.reasoning_text.delta", on_thought },
    { "response.reasoning_summary_part.added", on_summary_part },
    { "response.output_text.annotation.added", on_annotation },
    { "response.output_item.done", on_item },
    { "response.created", on_begin },
    { "response.in_progress", on_begin },
    { "response.completed", on_end },
    { "response.incomplete", on_end },
    { "response.failed", on_end },
    { "response.cancelled", on_end },
    { "response.reasoning.started", on_search },
    { "response.reasoning.search_queries", on_search },
    { "response.reasoning.search_results", on_search },
    { "response.reasoning.fetch_url_queries", on_search },
    { "response.reasoning.fetch_url_results", on_search },
    { "response.reasoning.stopped", on_search },
    { "error", openai_fail },
};

int openai_responses_event(void *data, const char *event, json_t *json, struct ein_error *err)
{
    struct openai_reply *reply = data;
    const char *type = text_of(json, "type");

    if (!json)
        return reply->finished ? VENDOR_END : 0;
    if (!type)
        type = event;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (strcmp(events[i].type, type) == 0)
            return events[i].take(reply, json, err);
    }
    return strncmp(type, "response.", 9) != 0 && unless_null(json, "error")
               ? openai_fail(reply, json, err)
               : 0;
}
