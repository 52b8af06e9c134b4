/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "cleanup.h"
#include "member.h"
#include "str.h"

#include <string.h>

/* ---- what a stream and a whole answer have alike ---- */

static const char *finish_reason(const struct answer *answer)
{
    const char *reason = answer->outcome->stop_reason;

    if (strcmp(reason, "tool_calls") == 0 && answer->ask->old_functions)
        return "function_call";
    return reason[0] ? reason : "stop";
}

/* {"name", "arguments"}, or "input": the inside. */
static void function(struct buf *out, bool custom, const json_t *call)
{
    out_put_quoted(out, "{\"name\":", text_or_empty(call, "name"));
    out_put(out, custom ? ",\"input\":\"" : ",\"arguments\":\"");
    answer_given(out, custom, call);
    out_put(out, "\"}");
}

static void tool_call(const struct answer *answer, struct buf *out, const json_t *call)
{
    bool custom = answer_is_custom(answer, call);

    out_put_quoted(out, "\"id\":", text_or_empty(call, "id"));
    out_put(out,
            custom ? ",\"type\":\"custom\",\"custom\":" : ",\"type\":\"function\",\"function\":");
    function(out, custom, call);
    answer_replay(out, ",\"extra_content\":{\"einion\":{\"replay\":", call, "}}");
    out_put(out, "}");
}

static void source(const struct answer *answer, struct buf *out, const json_t *data)
{
    out_put_quoted(
        out, "{\"type\":\"url_citation\",\"url_citation\":{\"url\":", text_or_empty(data, "url"));
    out_put_quoted(out, ",\"title\":", text_or_empty(data, "title"));
    answer_range(answer, out, data);
    out_put(out, "}}");
}

/* A thought whose vendor wants it back: the text once more, whole, with what it is known by. */
static void detail(struct answer *answer, struct buf *out, const json_t *data)
{
    out_put_number(
        out, "{\"type\":\"reasoning.text\",\"format\":\"einion\",\"index\":", answer->thinks++);
    out_put(out, ",\"text\":\"");
    out_out(out, &answer->thought);
    out_put(out, "\"");
    answer_replay(out, ",\"signature\":", data, "");
    out_put(out, "}");
    buf_clear(&answer->thought);
}

/* ---- whole ---- */

static void comma(struct buf *out)
{
    if (out->len > 0)
        out_put(out, ",");
}

static void whole_thought(struct answer *answer, const struct ein_llm_piece *piece)
{
    if (piece->text) {
        out_escaped(&answer->thought, piece->text, strlen(piece->text));
        out_escaped(&answer->thoughts, piece->text, strlen(piece->text));
    }
    if (!answer_has_replay(piece->data))
        return;
    comma(&answer->details);
    detail(answer, &answer->details, piece->data);
}

static void whole_call(struct answer *answer, const json_t *data)
{
    struct buf *out = &answer->calls;

    if (answer->ask->old_functions) {
        if (answer->count++ == 0) /* there is room for one */
            function(out, false, data);
        return;
    }
    comma(out);
    out_put(out, "{");
    tool_call(answer, out, data);
    answer->count++;
}

static void whole_piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    switch (piece->kind) {
    case EIN_LLM_TEXT:
        if (!piece->text)
            return;
        out_escaped(&answer->text, piece->text, strlen(piece->text));
        answer->length += str_count(piece->text, strlen(piece->text));
        return;
    case EIN_LLM_THOUGHT:
        whole_thought(answer, piece);
        return;
    case EIN_LLM_TOOL_CALL:
        whole_call(answer, piece->data);
        return;
    case EIN_LLM_SOURCE:
        comma(&answer->sources);
        source(answer, &answer->sources, piece->data);
        return;
    default:
        return;
    }
}

static void optional(struct buf *out, const char *before, const struct buf *value,
                     const char *after)
{
    if (value->len == 0) {
        out->error = value->error ? value->error : out->error;
        return;
    }
    out_put(out, before);
    out_out(out, value);
    out_put(out, after);
}

void chat_head(const struct answer *answer, const char *object, struct buf *out)
{
    out_put(out, "{\"id\":\"");
    out_put(out, answer->id);
    out_put(out, "\",\"object\":\"");
    out_put(out, object);
    out_put_number(out, "\",\"created\":", (uint64_t)answer->created);
    out_put(out, ",\"model\":");
    answer_model(answer, out);
}

static void whole_end(struct answer *answer)
{
    struct buf *out = &answer->out;
    bool old = answer->ask->old_functions;

    chat_head(answer, "chat.completion", out);
    out_put(out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    if (answer->text.len == 0 && answer->calls.len > 0) {
        out_put(out, "null");
    } else {
        out_put(out, "\"");
        out_out(out, &answer->text);
        out_put(out, "\"");
    }
    out_put(out, ",\"refusal\":null");
    optional(out, ",\"reasoning_content\":\"", &answer->thoughts, "\"");
    optional(out, ",\"reasoning_details\":[", &answer->details, "]");
    optional(out, old ? ",\"function_call\":" : ",\"tool_calls\":[", &answer->calls,
             old ? "" : "]");
    out_put(out, ",\"annotations\":[");
    out_out(out, &answer->sources);
    out_put_quoted(out, "]},\"logprobs\":null,\"finish_reason\":", finish_reason(answer));
    out_put(out, "}],");
    chat_usage(answer, out);
    out_put(out, ",");
    answer_facts(answer, out);
    out_put(out, "}");
}

const struct form chat_whole = { .id_prefix = "chatcmpl-", .piece = whole_piece, .end = whole_end };

/* ---- a stream ---- */

/* No other model is asked once there are pieces. */
void chat_chunk(struct answer *answer, const char *object)
{
    struct buf *head = &answer->head;

    if (head->len == 0) {
        out_put(head, "data: ");
        chat_head(answer, object, head);
    }
    out_out(&answer->out, head);
}

static void delta(struct answer *answer)
{
    chat_chunk(answer, "chat.completion.chunk");
    out_put(&answer->out, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void delta_end(struct answer *answer, const char *reason)
{
    struct buf *out = &answer->out;

    out_put_quoted(out, "},\"logprobs\":null,\"finish_reason\":", reason);
    out_put(out, answer->ask->with_usage ? "}],\"usage\":null}\n\n" : "}]}\n\n");
}

static void stream_begin(struct answer *answer)
{
    if (answer->begun)
        return;
    answer->begun = true;
    delta(answer);
    out_put(&answer->out, "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
    delta_end(answer, NULL);
}

static void text_delta(struct answer *answer, const char *name, const char *text)
{
    delta(answer);
    out_put(&answer->out, name);
    out_escaped(&answer->out, text, strlen(text));
    out_put(&answer->out, "\"");
    delta_end(answer, NULL);
}

static void stream_thought(struct answer *answer, const struct ein_llm_piece *piece)
{
    if (piece->text) {
        text_delta(answer, "\"reasoning_content\":\"", piece->text);
        out_escaped(&answer->thought, piece->text, strlen(piece->text));
    }
    if (!answer_has_replay(piece->data))
        return;
    delta(answer);
    out_put(&answer->out, "\"reasoning_details\":[");
    detail(answer, &answer->out, piece->data);
    out_put(&answer->out, "]");
    delta_end(answer, NULL);
}

static void stream_call(struct answer *answer, const json_t *data)
{
    struct buf *out = &answer->out;

    if (answer->ask->old_functions && answer->count > 0)
        return;
    delta(answer);
    if (answer->ask->old_functions) {
        out_put(out, "\"function_call\":");
        function(out, false, data);
    } else {
        out_put_number(out, "\"tool_calls\":[{\"index\":", answer->count);
        out_put(out, ",");
        tool_call(answer, out, data);
        out_put(out, "]");
    }
    answer->count++;
    delta_end(answer, NULL);
}

static void stream_piece(struct answer *answer, const struct ein_llm_piece *piece)
{
    stream_begin(answer);
    switch (piece->kind) {
    case EIN_LLM_TEXT:
        if (!piece->text)
            return;
        text_delta(answer, "\"content\":\"", piece->text);
        answer->length += str_count(piece->text, strlen(piece->text));
        return;
    case EIN_LLM_THOUGHT:
        stream_thought(answer, piece);
        return;
    case EIN_LLM_TOOL_CALL:
        stream_call(answer, piece->data);
        return;
    case EIN_LLM_SOURCE:
        delta(answer);
        out_put(&answer->out, "\"annotations\":[");
        source(answer, &answer->out, piece->data);
        out_put(&answer->out, "]");
        delta_end(answer, NULL);
        return;
    default:
        return;
    }
}

void chat_stream_end(struct answer *answer, const char *object)
{
    struct buf *out = &answer->out;

    if (answer->ask->with_usage) {
        chat_chunk(answer, object);
        out_put(out, ",\"choices\":[],");
        chat_usage(answer, out);
        out_put(out, ",");
        answer_facts(answer, out);
        out_put(out, "}\n\n");
    }
    out_put(out, "data: [DONE]\n\n");
}

static void stream_end(struct answer *answer)
{
    stream_begin(answer);
    delta(answer);
    delta_end(answer, finish_reason(answer));
    chat_stream_end(answer, "chat.completion.chunk");
}

void chat_stream_fail(struct answer *answer, const struct wrong *wrong)
{
    EIN_JSON json_t *error = chat_error(wrong);

    out_put(&answer->out, "data: ");
    out_json(&answer->out, error);
    out_put(&answer->out, "\n\n");
}

const struct form chat_stream = {
    .id_prefix = "chatcmpl-", .piece = stream_piece, .end = stream_end, .fail = chat_stream_fail
};
