/* SPDX-License-Identifier: Apache-2.0 */
/* The items of an answer are done one after the other.  `text` is that of the one that is open,
 * `details` what stands beside it, `calls` all that are done. */
#include "answer.h"
#include "cleanup.h"
#include "kept.h"
#include "member.h"
#include "str.h"

#include <string.h>

static void item_id(const struct answer *answer, const char *prefix, struct buf *out)
{
    out_put(out, "\"");
    out_put(out, prefix);
    out_put(out, strchr(answer->id, '_') + 1);
    out_put_number(out, "_", answer->count);
    out_put(out, "\"");
}

static const char *status_of(const struct answer *answer)
{
    const char *reason = answer->outcome->stop_reason;

    return strcmp(reason, "length") == 0 || strcmp(reason, "content_filter") == 0 ? "incomplete"
                                                                                  : "completed";
}

/* ---- the response ---- */

static void usage(const struct answer *answer, struct buf *out)
{
    const struct ein_completion_outcome *it = answer->outcome;

    out_put_number(out, "{\"input_tokens\":", it->input_tokens);
    out_put_number(out, ",\"input_tokens_details\":{\"cached_tokens\":", it->cached_tokens);
    out_put_number(out, ",\"cache_write_tokens\":", it->cache_write_tokens);
    out_put_number(out, "},\"output_tokens\":", it->output_tokens);
    out_put_number(out, ",\"output_tokens_details\":{\"reasoning_tokens\":", it->reasoning_tokens);
    out_put_number(out, "},\"total_tokens\":", it->input_tokens + it->output_tokens);
    out_put(out, ",\"cost\":");
    out_nano(out, it->cost);
    out_put(out, "}");
}

static void incomplete_details(const struct answer *answer, const char *status, struct buf *out)
{
    out_put(out, ",\"incomplete_details\":");
    if (!status || strcmp(status, "incomplete") != 0)
        out_put(out, "null");
    else if (strcmp(answer->outcome->stop_reason, "length") == 0)
        out_put(out, "{\"reason\":\"max_output_tokens\"}");
    else
        out_put(out, "{\"reason\":\"content_filter\"}");
}

/* What of the request is told back. */
static void told_back(const struct answer *answer, struct buf *out)
{
    const struct kept *kept = answer->ask->kept;
    const json_t *previous = kept ? kept->previous : NULL;

    out_put(out, ",\"metadata\":");
    if (kept && json_is_object(kept->metadata))
        out_json(out, kept->metadata);
    else
        out_put(out, "{}");
    out_put_quoted(out, ",\"previous_response_id\":", json_string_value(previous));
    out_put(out, kept && kept->store ? ",\"store\":true" : ",\"store\":false");
    /* Clients parse what they have asked for in this form. */
    out_put(out, ",\"text\":");
    if (answer->ask->text)
        out_json(out, answer->ask->text);
    else
        out_put(out, "{\"format\":{\"type\":\"text\"}}");
}

/* STATUS is NULL while it is in progress. */
static void put_response(struct answer *answer, const char *status, const struct wrong *wrong)
{
    struct buf *out = &answer->out;

    out_put_quoted(out, "{\"id\":", answer->id);
    out_put_number(out, ",\"object\":\"response\",\"created_at\":", (uint64_t)answer->created);
    out_put_quoted(out, ",\"status\":", status ? status : "in_progress");
    out_put(out, ",\"model\":");
    answer_model(answer, out);
    out_put(out, ",\"error\":");
    if (wrong) {
        out_put_quoted(out, "{\"code\":", wrong->code ? wrong->code : "server_error");
        out_put_quoted(out, ",\"message\":", wrong->text);
        out_put(out, "}");
    } else {
        out_put(out, "null");
    }
    incomplete_details(answer, status, out);
    out_put(out, ",\"output\":[");
    if (status)
        out_out(out, &answer->calls);
    out_put(out, "],\"instructions\":null,\"parallel_tool_calls\":true,\"temperature\":null,"
                 "\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":null");
    told_back(answer, out);
    out_put(out, ",\"usage\":");
    if (status)
        usage(answer, out);
    else
        out_put(out, "null");
    if (status) {
        out_put(out, ",");
        answer_facts(answer, out);
    }
    out_put(out, "}");
}

/* Once it is done it is kept before anybody hears of that. */
static void response(struct answer *answer, const char *status, const struct wrong *wrong)
{
    struct kept *kept = answer->ask->kept;
    struct buf *out = &answer->out;
    const size_t from = out->len;

    put_response(answer, status, wrong);
    if (!status || !kept || !kept->store || out->error)
        return;
    kept->store = kept->keep(kept, answer->id, answer->count, out->data + from, out->len - from);
    if (!kept->store) { /* told so, then */
        out->len = from;
        put_response(answer, status, wrong);
    }
}

/* ---- events: nothing but in streams ---- */

static bool streams(const struct answer *answer)
{
    return answer->ask->stream;
}

static void begin_event(struct answer *answer, const char *type)
{
    struct buf *out = &answer->out;

    out_put(out, "event: ");
    out_put(out, type);
    out_put(out, "\ndata: {\"type\":\"");
    out_put(out, type);
    out_put_number(out, "\",\"sequence_number\":", answer->events++);
    out_put(out, ",");
}

static void end_event(struct answer *answer)
{
    out_put(&answer->out, "}\n\n");
}

static void response_event(struct answer *answer, const char *type, const char *status,
                           const struct wrong *wrong)
{
    begin_event(answer, type);
    out_put(&answer->out, "\"response\":");
    response(answer, status, wrong);
    end_event(answer);
}

/* "item_id", "output_index" and `more` of an event about a part of the open item. */
static void begin_part_event(struct answer *answer, const char *type, const char *prefix,
                             const char *more)
{
    begin_event(answer, type);
    out_put(&answer->out, "\"item_id\":");
    item_id(answer, prefix, &answer->out);
    out_put_number(&answer->out, ",\"output_index\":", answer->count);
    out_put(&answer->out, more);
}

static void begin_item_event(struct answer *answer, const char *type)
{
    begin_event(answer, type);
    out_put_number(&answer->out, "\"output_index\":", answer->count);
    out_put(&answer->out, ",\"item\":");
}

static void begin(struct answer *answer)
{
    if (answer->begun || !streams(answer))
        return;
    answer->begun = true;
    response_event(answer, "response.created", NULL, NULL);
    response_event(answer, "response.in_progress", NULL, NULL);
}

/* ---- items ---- */

#define IN_MESSAGE ",\"content_index\":0,"
#define IN_SUMMARY ",\"summary_index\":0,"

static void text_part(struct answer *answer, struct buf *out)
{
    out_put(out, "{\"type\":\"output_text\",\"text\":\"");
    out_out(out, &answer->text);
    out_put(out, "\",\"annotations\":[");
    out_out(out, &answer->details);
    out_put(out, "],\"logprobs\":[]}");
}

static void summary_part(struct answer *answer, struct buf *out)
{
    out_put(out, "{\"type\":\"summary_text\",\"text\":\"");
    out_out(out, &answer->text);
    out_put(out, "\"}");
}

/* What has been written behind `from` in `calls` is the item that is done. */
static void item_done(struct answer *answer, size_t from)
{
    if (streams(answer) && !answer->calls.error) {
        begin_item_event(answer, "response.output_item.done");
        out_bytes(&answer->out, answer->calls.data + from, answer->calls.len - from);
        end_event(answer);
    }
    answer->count++;
    answer->thinks = answer->length = 0;
    answer->open = BLOCK_NONE;
    buf_clear(&answer->text);
    buf_clear(&answer->details);
}

static size_t next_item(struct answer *answer)
{
    if (answer->calls.len > 0)
        out_put(&answer->calls, ",");
    return answer->calls.len;
}

static void close_message(struct answer *answer)
{
    struct buf *calls = &answer->calls;
    size_t from = next_item(answer);

    if (streams(answer)) {
        begin_part_event(answer, "response.output_text.done", "msg_", IN_MESSAGE "\"text\":\"");
        out_out(&answer->out, &answer->text);
        out_put(&answer->out, "\",\"logprobs\":[]");
        end_event(answer);
        begin_part_event(answer, "response.content_part.done", "msg_", IN_MESSAGE "\"part\":");
        text_part(answer, &answer->out);
        end_event(answer);
    }
    out_put(calls, "{\"type\":\"message\",\"id\":");
    item_id(answer, "msg_", calls);
    out_put(calls, ",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[");
    text_part(answer, calls);
    out_put(calls, "]}");
    item_done(answer, from);
}

static void close_reasoning(struct answer *answer, const json_t *data)
{
    struct buf *calls = &answer->calls;
    size_t from = next_item(answer);

    if (streams(answer)) {
        begin_part_event(answer, "response.reasoning_summary_text.done", "rs_",
                         IN_SUMMARY "\"text\":\"");
        out_out(&answer->out, &answer->text);
        out_put(&answer->out, "\"");
        end_event(answer);
        begin_part_event(answer, "response.reasoning_summary_part.done", "rs_",
                         IN_SUMMARY "\"part\":");
        summary_part(answer, &answer->out);
        end_event(answer);
    }
    out_put(calls, "{\"type\":\"reasoning\",\"id\":");
    item_id(answer, "rs_", calls);
    out_put(calls, ",\"summary\":[");
    if (answer->text.len > 0)
        summary_part(answer, calls);
    out_put(calls, "]");
    answer_replay(calls, ",\"encrypted_content\":", data, "");
    out_put(calls, "}");
    item_done(answer, from);
}

static void close_item(struct answer *answer)
{
    if (answer->open == BLOCK_TEXT)
        close_message(answer);
    else if (answer->open == BLOCK_THINKING)
        close_reasoning(answer, NULL);
}

static void open_message(struct answer *answer)
{
    if (answer->open == BLOCK_TEXT)
        return;
    close_item(answer);
    answer->open = BLOCK_TEXT;
    if (!streams(answer))
        return;
    begin_item_event(answer, "response.output_item.added");
    out_put(&answer->out, "{\"type\":\"message\",\"id\":");
    item_id(answer, "msg_", &answer->out);
    out_put(&answer->out, ",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}");
    end_event(answer);
    begin_part_event(answer, "response.content_part.added", "msg_",
                     IN_MESSAGE "\"part\":{\"type\":\"output_text\",\"text\":\"\","
                                "\"annotations\":[],\"logprobs\":[]}");
    end_event(answer);
}

static void open_reasoning(struct answer *answer)
{
    if (answer->open == BLOCK_THINKING)
        return;
    close_item(answer);
    answer->open = BLOCK_THINKING;
    if (!streams(answer))
        return;
    begin_item_event(answer, "response.output_item.added");
    out_put(&answer->out, "{\"type\":\"reasoning\",\"id\":");
    item_id(answer, "rs_", &answer->out);
    out_put(&answer->out, ",\"summary\":[]}");
    end_event(answer);
    begin_part_event(answer, "response.reasoning_summary_part.added", "rs_",
                     IN_SUMMARY "\"part\":{\"type\":\"summary_text\",\"text\":\"\"}");
    end_event(answer);
}

static void add_text(struct answer *answer, const char *type, const char *prefix, const char *more,
                     const char *text)
{
    size_t from = answer->text.len;

    out_escaped(&answer->text, text, strlen(text));
    if (!streams(answer) || answer->text.error)
        return;
    begin_part_event(answer, type, prefix, more);
    out_put(&answer->out, "\"delta\":\"");
    out_bytes(&answer->out, answer->text.data + from, answer->text.len - from);
    out_put(&answer->out, *prefix == 'm' ? "\",\"logprobs\":[]" : "\"");
    end_event(answer);
}

static void add_source(struct answer *answer, const json_t *data)
{
    struct buf *details = &answer->details;
    size_t from;

    open_message(answer);
    if (details->len > 0)
        out_put(details, ",");
    from = details->len;
    out_put_quoted(details, "{\"type\":\"url_citation\",\"url\":", text_or_empty(data, "url"));
    out_put_quoted(details, ",\"title\":", text_or_empty(data, "title"));
    answer_range(answer, details, data);
    out_put(details, "}");
    if (!streams(answer) || details->error)
        return;
    begin_part_event(answer, "response.output_text.annotation.added", "msg_",
                     IN_MESSAGE "\"annotation_index\":");
    out_number(&answer->out, answer->thinks++);
    out_put(&answer->out, ",\"annotation\":");
    out_bytes(&answer->out, details->data + from, details->len - from);
    end_event(answer);
}

static void add_replay(struct answer *answer, const json_t *data)
{
    open_reasoning(answer);
    close_reasoning(answer, data);
}

/* How a call of an ordinary function is told, one of a custom tool, and a search for tools. */
enum { CALL_FUNCTION, CALL_CUSTOM, CALL_SEARCH };
static const struct call_form {
    const char *type, *prefix, *member, *events[2];
} call_forms[] = {
    { "function_call",
      "fc_",
      "arguments",
      { "response.function_call_arguments.delta", "response.function_call_arguments.done" } },
    { "custom_tool_call",
      "ctc_",
      "input",
      { "response.custom_tool_call_input.delta", "response.custom_tool_call_input.done" } },
    { "tool_search_call", "tsc_", NULL, { NULL, NULL } },
};

static const struct call_form *form_of(const struct answer *answer, const json_t *call)
{
    const json_t *alias = json_object_get(answer->ask->aliases, text_or_empty(call, "name"));

    if (json_is_true(json_object_get(alias, "search")))
        return &call_forms[CALL_SEARCH];
    return &call_forms[answer_is_custom(answer, call) ? CALL_CUSTOM : CALL_FUNCTION];
}

static void given(struct buf *out, const struct call_form *form, const json_t *data, bool done)
{
    out_put_quoted(out, ",", form->member);
    out_put(out, ":\"");
    if (done)
        answer_given(out, form == &call_forms[CALL_CUSTOM], data);
    out_put(out, "\"");
}

static void searched(struct buf *out, const json_t *data, bool done)
{
    out_put(out, ",\"execution\":\"client\",\"arguments\":");
    if (done)
        out_json(out, json_object_get(data, "arguments"));
    else
        out_put(out, "{}");
}

static void named(const struct answer *answer, struct buf *out, const json_t *data)
{
    const char *name = text_or_empty(data, "name");
    const json_t *alias = json_object_get(answer->ask->aliases, name);
    const char *space = text_of(alias, "namespace");

    out_put_quoted(out, ",\"name\":", alias ? text_of(alias, "name") : name);
    if (space)
        out_put_quoted(out, ",\"namespace\":", space);
}

static void tool_call(struct answer *answer, struct buf *out, const struct call_form *form,
                      const json_t *data, bool done)
{
    out_put_quoted(out, "{\"type\":", form->type);
    out_put(out, ",\"id\":");
    item_id(answer, form->prefix, out);
    out_put_quoted(out, ",\"call_id\":", text_or_empty(data, "id"));
    if (form == &call_forms[CALL_SEARCH]) {
        searched(out, data, done);
    } else {
        named(answer, out, data);
        given(out, form, data, done);
    }
    out_put(out, done ? ",\"status\":\"completed\"}" : ",\"status\":\"in_progress\"}");
}

static void call_events(struct answer *answer, const struct call_form *form, const json_t *data)
{
    begin_item_event(answer, "response.output_item.added");
    tool_call(answer, &answer->out, form, data, false);
    end_event(answer);
    for (size_t i = 0; i < 2 && form->events[i]; i++) {
        begin_part_event(answer, form->events[i], form->prefix, ",\"");
        out_put(&answer->out, i == 0 ? "delta" : form->member);
        out_put(&answer->out, "\":\"");
        answer_given(&answer->out, form == &call_forms[CALL_CUSTOM], data);
        out_put(&answer->out, "\"");
        end_event(answer);
    }
}

static void add_call(struct answer *answer, const json_t *data)
{
    const struct call_form *form = form_of(answer, data);
    EIN_JSON json_t *thought = answer_call_thought(answer, data);
    size_t from;

    if (thought)
        add_replay(answer, thought);
    close_item(answer);
    from = next_item(answer);
    if (streams(answer))
        call_events(answer, form, data);
    tool_call(answer, &answer->calls, form, data, true);
    item_done(answer, from);
}

/* ---- a search of the web ---- */

/* As OpenAI has told it, or what any vendor has looked for. */
static json_t *search_action(const json_t *data)
{
    json_t *query = json_object_get(data, "query");
    json_t *action = json_object_get(data, "action");

    if (json_is_object(action))
        return json_copy(action);
    return query
               ? json_pack("{s:s, s:O, s:[O]}", "type", "search", "query", query, "queries", query)
               : json_pack("{s:s}", "type", "search");
}

static json_t *search_sources(const json_t *data)
{
    json_t *sources = json_array();
    const json_t *page;
    size_t i;

    json_array_foreach(json_object_get(data, "results"), i, page)
    {
        (void)json_array_append_new(
            sources, json_pack("{s:s, s:O*}", "type", "url", "url", json_object_get(page, "url")));
    }
    return sources;
}

static void search_item(struct answer *answer, struct buf *out, const json_t *data, bool done)
{
    const char *status = text_of(data, "error") ? "failed" : "completed";
    json_t *action = done ? search_action(data) : NULL;

    if (action && !answer->ask->with_sources)
        (void)json_object_del(action, "sources");
    else if (action && !json_object_get(action, "sources"))
        (void)json_object_set_new(action, "sources", search_sources(data));
    out_put(out, "{\"type\":\"web_search_call\",\"id\":");
    item_id(answer, "ws_", out);
    out_put_quoted(out, ",\"status\":", done ? status : "in_progress");
    if (done) {
        out_put(out, ",\"action\":");
        out_json(out, action);
    }
    out_put(out, "}");
    json_decref(action);
}

static void search_events(struct answer *answer, const json_t *data)
{
    static const char *const events[] = { "response.web_search_call.in_progress",
                                          "response.web_search_call.searching",
                                          "response.web_search_call.completed" };

    begin_item_event(answer, "response.output_item.added");
    search_item(answer, &answer->out, data, false);
    end_event(answer);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        begin_part_event(answer, events[i], "ws_", "");
        end_event(answer);
    }
}

static void add_search(struct answer *answer, const json_t *data)
{
    size_t from;

    close_item(answer);
    from = next_item(answer);
    if (streams(answer))
        search_events(answer, data);
    search_item(answer, &answer->calls, data, true);
    item_done(answer, from);
}

/* ---- the form ---- */

static void piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    begin(answer);
    if (piece->kind == EIN_LLM_TEXT && piece->text) {
        open_message(answer);
        add_text(answer, "response.output_text.delta", "msg_", IN_MESSAGE, piece->text);
        answer->length += str_count(piece->text, strlen(piece->text));
    } else if (piece->kind == EIN_LLM_THOUGHT) {
        if (piece->text) {
            open_reasoning(answer);
            add_text(answer, "response.reasoning_summary_text.delta", "rs_", IN_SUMMARY,
                     piece->text);
        }
        if (answer_has_replay(piece->data))
            add_replay(answer, piece->data);
    } else if (piece->kind == EIN_LLM_TOOL_CALL) {
        add_call(answer, piece->data);
    } else if (piece->kind == EIN_LLM_SOURCE) {
        add_source(answer, piece->data);
    } else if (piece->kind == EIN_LLM_SEARCH) {
        add_search(answer, piece->data);
    }
}

static void whole_end(struct answer *answer)
{
    close_item(answer);
    response(answer, status_of(answer), NULL);
}

static void stream_end(struct answer *answer)
{
    const char *status = status_of(answer);

    begin(answer);
    close_item(answer);
    response_event(answer, *status == 'c' ? "response.completed" : "response.incomplete", status,
                   NULL);
}

static void stream_fail(struct answer *answer, const struct wrong *wrong)
{
    close_item(answer);
    response_event(answer, "response.failed", "failed", wrong);
}

const struct form responses_whole = { .id_prefix = "resp_", .piece = piece, .end = whole_end };
const struct form responses_stream = {
    .id_prefix = "resp_", .piece = piece, .end = stream_end, .fail = stream_fail
};
