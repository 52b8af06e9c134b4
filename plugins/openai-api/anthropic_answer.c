/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "cleanup.h"
#include "member.h"

#include <string.h>

/* ---- what a stream and a whole answer have alike ---- */

static const char *stop_reason(const struct answer *answer)
{
    static const char *const names[][2] = { { "length", "max_tokens" },
                                            { "tool_calls", "tool_use" },
                                            { "content_filter", "refusal" } };
    const struct ein_completion_outcome *outcome = answer->outcome;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(outcome->stop_reason, names[i][0]) == 0)
            return names[i][1];
    return outcome->stop_sequence[0] ? "stop_sequence" : "end_turn";
}

static const char *stop_sequence(const struct answer *answer)
{
    return strcmp(stop_reason(answer), "stop_sequence") == 0 ? answer->outcome->stop_sequence
                                                             : NULL;
}

/* What the vendor keeps to itself even from those who are told its thoughts. */
static const char *redacted(const json_t *data)
{
    const json_t *replay = json_object_get(data, "replay");

    if (strcmp(text_or_empty(replay, "wire"), "anthropic") != 0)
        return NULL;
    return json_string_value(json_object_get(replay, "redacted"));
}

static void citation(struct buf *out, const json_t *data)
{
    out_put_quoted(out,
                   "{\"type\":\"web_search_result_location\",\"url\":", text_or_empty(data, "url"));
    out_put_quoted(out, ",\"title\":", text_or_empty(data, "title"));
    out_put_quoted(out, ",\"encrypted_index\":\"\",\"cited_text\":", text_or_empty(data, "text"));
    out_put(out, "}");
}

static void tool_use(struct buf *out, const json_t *call)
{
    out_put_quoted(out, "{\"type\":\"tool_use\",\"id\":", text_or_empty(call, "id"));
    out_put_quoted(out, ",\"name\":", text_or_empty(call, "name"));
    out_put(out, ",\"input\":");
}

/* ---- a search of the web: what was asked, and what was found ---- */

static void search_id(struct buf *out, const char *member, const json_t *search)
{
    static const char prefix[] = "srvtoolu_";
    const char *id = text_or_empty(search, "id");

    out_put(out, member);
    if (strncmp(id, prefix, sizeof(prefix) - 1) != 0)
        out_put(out, prefix);
    out_escaped(out, id, strlen(id));
    out_put(out, "\"");
}

static void search_use(struct buf *out, const json_t *search, bool with_input)
{
    out_put(out, "{\"type\":\"server_tool_use\"");
    search_id(out, ",\"id\":\"", search);
    out_put(out, ",\"name\":\"web_search\",\"input\":{");
    if (with_input)
        out_put_quoted(out, "\"query\":", text_of(search, "query"));
    out_put(out, "}}");
}

static void search_page(struct buf *out, const json_t *page)
{
    out_put_quoted(out, "{\"type\":\"web_search_result\",\"url\":", text_or_empty(page, "url"));
    out_put_quoted(out, ",\"title\":", text_or_empty(page, "title"));
    out_put_quoted(out, ",\"encrypted_content\":", text_or_empty(page, "sealed"));
    out_put_quoted(out, ",\"page_age\":", text_of(page, "age"));
    out_put(out, "}");
}

static void search_result(struct buf *out, const json_t *search)
{
    const json_t *pages = json_object_get(search, "results");
    const char *error = text_of(search, "error");

    out_put(out, "{\"type\":\"web_search_tool_result\"");
    search_id(out, ",\"tool_use_id\":\"", search);
    out_put(out, ",\"content\":");
    if (error) {
        out_put_quoted(out, "{\"type\":\"web_search_tool_result_error\",\"error_code\":", error);
        out_put(out, "}}");
        return;
    }
    out_put(out, "[");
    for (size_t i = 0; i < json_array_size(pages); i++) {
        if (i > 0)
            out_put(out, ",");
        search_page(out, json_array_get(pages, i));
    }
    out_put(out, "]}");
}

static void head(struct answer *answer)
{
    struct buf *out = &answer->out;

    out_put(out, "{\"id\":\"");
    out_put(out, answer->id);
    out_put(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    answer_model(answer, out);
    out_put(out, ",\"content\":[");
}

/* ---- whole: the blocks are written into `text` ---- */

static void whole_close(struct answer *answer)
{
    struct buf *out = &answer->text;

    if (answer->open == BLOCK_THINKING)
        out_put(out, "\",\"signature\":\"\"}");
    if (answer->open == BLOCK_TEXT) {
        out_put(out, "\"");
        if (answer->sources.len > 0) { /* null is not taken for none by every client */
            out_put(out, ",\"citations\":[");
            out_out(out, &answer->sources);
            out_put(out, "]");
        }
        out_put(out, "}");
        buf_clear(&answer->sources);
    }
    answer->open = BLOCK_NONE;
}

static void whole_next(struct answer *answer)
{
    whole_close(answer);
    if (answer->text.len > 0)
        out_put(&answer->text, ",");
}

static void whole_open(struct answer *answer, enum block block)
{
    if (answer->open == block)
        return;
    whole_next(answer);
    out_put(&answer->text, block == BLOCK_TEXT ? "{\"type\":\"text\",\"text\":\""
                                               : "{\"type\":\"thinking\",\"thinking\":\"");
    answer->open = block;
}

/* The signature of a text that has been told.  A thought that nothing follows would be taken for
 * the end of the answer by clients that show the last block, and the vendor can do without it. */
static bool hold(struct answer *answer, const struct ein_llm_piece *piece)
{
    if (piece->text || answer->open != BLOCK_TEXT || !answer_has_replay(piece->data))
        return false;
    answer->held = json_incref((json_t *)piece->data);
    return true;
}

/* Tells by THOUGHT what is to stand before `piece`: what is held, or else comes with it. */
static void tell_before(struct answer *answer, const struct ein_llm_piece *piece,
                        void (*thought)(struct answer *answer, const struct ein_llm_piece *piece))
{
    bool is_call = piece->kind == EIN_LLM_TOOL_CALL, of_text = piece->kind == EIN_LLM_SOURCE;
    EIN_JSON json_t *held = of_text ? NULL : EIN_TAKE(answer->held);
    EIN_JSON json_t *of_call = is_call ? answer_call_thought(answer, piece->data) : NULL;

    if (held)
        thought(answer, &(struct ein_llm_piece){ .kind = EIN_LLM_THOUGHT, .data = held });
    if (of_call)
        thought(answer, &(struct ein_llm_piece){ .kind = EIN_LLM_THOUGHT, .data = of_call });
}

static void whole_thought(struct answer *answer, const struct ein_llm_piece *piece)
{
    struct buf *out = &answer->text;

    if (piece->text) {
        whole_open(answer, BLOCK_THINKING);
        out_escaped(out, piece->text, strlen(piece->text));
    }
    if (redacted(piece->data)) {
        whole_next(answer);
        out_put_quoted(out, "{\"type\":\"redacted_thinking\",\"data\":", redacted(piece->data));
        out_put(out, "}");
    } else if (answer_has_replay(piece->data)) {
        whole_open(answer, BLOCK_THINKING);
        answer_replay(out, "\",\"signature\":", piece->data, "}");
        answer->open = BLOCK_NONE;
    }
}

static void whole_piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    struct buf *out = &answer->text;

    tell_before(answer, piece, whole_thought);
    switch (piece->kind) {
    case EIN_LLM_TEXT:
        if (!piece->text)
            return;
        whole_open(answer, BLOCK_TEXT);
        out_escaped(out, piece->text, strlen(piece->text));
        return;
    case EIN_LLM_THOUGHT:
        if (!hold(answer, piece))
            whole_thought(answer, piece);
        return;
    case EIN_LLM_TOOL_CALL:
        whole_next(answer);
        tool_use(out, piece->data);
        out_json(out, json_object_get(piece->data, "arguments"));
        out_put(out, "}");
        return;
    case EIN_LLM_SOURCE:
        whole_open(answer, BLOCK_TEXT);
        if (answer->sources.len > 0)
            out_put(&answer->sources, ",");
        citation(&answer->sources, piece->data);
        return;
    case EIN_LLM_SEARCH:
        if (!text_of(piece->data, "query")) /* a page that was opened */
            return;
        whole_next(answer);
        search_use(out, piece->data, true);
        out_put(out, ",");
        search_result(out, piece->data);
        return;
    default:
        return;
    }
}

static void whole_end(struct answer *answer)
{
    struct buf *out = &answer->out;

    whole_close(answer);
    head(answer);
    out_out(out, &answer->text);
    out_put_quoted(out, "],\"stop_reason\":", stop_reason(answer));
    out_put_quoted(out, ",\"stop_sequence\":", stop_sequence(answer));
    out_put(out, ",");
    anthropic_usage(answer, out);
    out_put(out, ",");
    answer_facts(answer, out);
    out_put(out, "}");
}

const struct form anthropic_whole = { .id_prefix = "msg_", .piece = whole_piece, .end = whole_end };

/* ---- a stream ---- */

static void stream_begin(struct answer *answer)
{
    struct buf *out = &answer->out;

    if (answer->begun)
        return;
    answer->begun = true;
    out_put(out, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
    head(answer);
    out_put(out, "],\"stop_reason\":null,\"stop_sequence\":null,");
    anthropic_usage(answer, out);
    out_put(out, "}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n");
}

/* A block: `type` with what begins it. */
static void start(struct answer *answer)
{
    struct buf *out = &answer->out;

    out_put_number(out,
                   "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":",
                   answer->count);
    out_put(out, ",\"content_block\":");
}

static void stop(struct answer *answer)
{
    struct buf *out = &answer->out;

    out_put_number(out,
                   "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":",
                   answer->count++);
    out_put(out, "}\n\n");
    answer->open = BLOCK_NONE;
}

static void delta(struct answer *answer, const char *begin)
{
    struct buf *out = &answer->out;

    out_put_number(out,
                   "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
                   answer->count);
    out_put(out, ",\"delta\":{\"type\":");
    out_put(out, begin);
}

static void stream_close(struct answer *answer)
{
    if (answer->open != BLOCK_NONE)
        stop(answer);
}

static void stream_open(struct answer *answer, enum block block)
{
    if (answer->open == block)
        return;
    stream_close(answer);
    start(answer);
    out_put(&answer->out,
            block == BLOCK_TEXT
                ? "{\"type\":\"text\",\"text\":\"\"}}\n\n"
                : "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
    answer->open = block;
}

static void text_delta(struct answer *answer, enum block block, const char *begin, const char *text)
{
    stream_open(answer, block);
    delta(answer, begin);
    out_escaped(&answer->out, text, strlen(text));
    out_put(&answer->out, "\"}}\n\n");
}

static void stream_thought(struct answer *answer, const struct ein_llm_piece *piece)
{
    struct buf *out = &answer->out;

    if (piece->text)
        text_delta(answer, BLOCK_THINKING, "\"thinking_delta\",\"thinking\":\"", piece->text);
    if (redacted(piece->data)) {
        stream_close(answer);
        start(answer);
        out_put_quoted(out, "{\"type\":\"redacted_thinking\",\"data\":", redacted(piece->data));
        out_put(out, "}}\n\n");
        stop(answer);
    } else if (answer_has_replay(piece->data)) {
        stream_open(answer, BLOCK_THINKING);
        delta(answer, "\"signature_delta\"");
        answer_replay(out, ",\"signature\":", piece->data, "}}\n\n");
        stop(answer);
    }
}

static void stream_call(struct answer *answer, const json_t *data)
{
    struct buf *out = &answer->out;

    stream_close(answer);
    start(answer);
    tool_use(out, data);
    out_put(out, "{}}}\n\n");
    delta(answer, "\"input_json_delta\",\"partial_json\":\"");
    out_json_escaped(out, json_object_get(data, "arguments"));
    out_put(out, "\"}}\n\n");
    stop(answer);
}

static void stream_search(struct answer *answer, const json_t *data)
{
    struct buf *out = &answer->out;

    stream_close(answer);
    start(answer);
    search_use(out, data, false);
    out_put(out, "}\n\n");
    delta(answer, "\"input_json_delta\",\"partial_json\":\"");
    out_put(out, "{\\\"query\\\":");
    out_json_escaped(out, json_object_get(data, "query"));
    out_put(out, "}\"}}\n\n");
    stop(answer);
    start(answer);
    search_result(out, data);
    out_put(out, "}\n\n");
    stop(answer);
}

static void stream_piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    stream_begin(answer);
    tell_before(answer, piece, stream_thought);
    switch (piece->kind) {
    case EIN_LLM_TEXT:
        if (piece->text)
            text_delta(answer, BLOCK_TEXT, "\"text_delta\",\"text\":\"", piece->text);
        return;
    case EIN_LLM_THOUGHT:
        if (!hold(answer, piece))
            stream_thought(answer, piece);
        return;
    case EIN_LLM_TOOL_CALL:
        stream_call(answer, piece->data);
        return;
    case EIN_LLM_SOURCE:
        stream_open(answer, BLOCK_TEXT);
        delta(answer, "\"citations_delta\",\"citation\":");
        citation(&answer->out, piece->data);
        out_put(&answer->out, "}}\n\n");
        return;
    case EIN_LLM_SEARCH:
        if (text_of(piece->data, "query"))
            stream_search(answer, piece->data);
        return;
    default:
        return;
    }
}

static void stream_end(struct answer *answer)
{
    struct buf *out = &answer->out;

    stream_begin(answer);
    stream_close(answer);
    out_put(out,
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":");
    out_quoted(out, stop_reason(answer));
    out_put_quoted(out, ",\"stop_sequence\":", stop_sequence(answer));
    out_put(out, "},");
    anthropic_usage(answer, out);
    out_put(out, ",");
    answer_facts(answer, out);
    out_put(out, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

static void stream_fail(struct answer *answer, const struct wrong *wrong)
{
    EIN_JSON json_t *error = anthropic_error(wrong, answer->request_id);

    out_put(&answer->out, "event: error\ndata: ");
    out_json(&answer->out, error);
    out_put(&answer->out, "\n\n");
}

const struct form anthropic_stream = {
    .id_prefix = "msg_", .piece = stream_piece, .end = stream_end, .fail = stream_fail
};
