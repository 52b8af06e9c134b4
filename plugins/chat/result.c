/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include "buf.h"
#include "cleanup.h"
#include <string.h>

#define AGENTS_WIRE "gofannon" /* whose replay is what an agent has returned */

/* Pieces as they are put together. */
struct parts {
    struct buf text, thoughts;    /* all that was said */
    struct buf *open;             /* that the last pieces were of; NULL: they were no words */
    size_t begun;                 /* where in it */
    json_t *whole;                /* what an agent has returned; or NULL */
    json_t *tool_calls, *sources; /* arrays */
    json_t *message;              /* the parts of the assistant's message: an array */
    bool needs_message;           /* more than its text is to be sent back */
};

/* ---- the message that goes on with the conversation ---- */

/* What was said since the last piece of another kind becomes a part. */
static int close_words(struct parts *parts)
{
    const struct buf *words = parts->open;
    const char *type = words == &parts->text ? "text" : "thought";

    parts->open = NULL;
    if (!words)
        return 0;
    return json_array_append_new(parts->message,
                                 json_pack("{s:s, s:s%}", "type", type, "text",
                                           words->data + parts->begun, words->len - parts->begun));
}

static int add_words(struct parts *parts, struct buf *words, const char *bytes, size_t len)
{
    if (parts->open != words) {
        if (close_words(parts) < 0)
            return -1;
        parts->open = words;
        parts->begun = words->len;
    }
    return buf_add(words, bytes, len);
}

static int add_replay(struct parts *parts, const json_t *replay)
{
    json_t *last = json_array_get(parts->message, json_array_size(parts->message) - 1);
    const char *of = json_string_value(json_object_get(last, "type"));
    const char *wire = json_string_value(json_object_get(replay, "wire"));

    if (wire && strcmp(wire, AGENTS_WIRE) == 0) {
        json_decref(parts->whole);
        parts->whole = json_incref(json_object_get(replay, "result"));
        return 0;
    }
    parts->needs_message = true;
    if (of && strcmp(of, "thought") == 0 && !json_object_get(last, "replay"))
        return json_object_set(last, "replay", (json_t *)replay);
    return json_array_append_new(parts->message, json_pack("{s:s, s:s, s:O}", "type", "thought",
                                                           "text", "", "replay", replay));
}

static int add_tool_call(struct parts *parts, const json_t *call)
{
    EIN_JSON json_t *part = json_pack("{s:s}", "type", "tool_call");

    parts->needs_message = true;
    if (!part || json_object_update(part, (json_t *)call) < 0 ||
        json_array_append(parts->message, part) < 0)
        return -1;
    return json_array_append(parts->tool_calls, (json_t *)call);
}

/* ---- pieces ---- */

static int add_json(struct parts *parts, enum live_kind kind, const char *bytes, size_t len)
{
    EIN_JSON json_t *json = json_loadb(bytes, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    if (!json || close_words(parts) < 0)
        return -1;
    switch (kind) {
    case LIVE_TOOL_CALL:
        return add_tool_call(parts, json);
    case LIVE_REPLAY:
        return add_replay(parts, json);
    default:
        return json_array_append(parts->sources, json);
    }
}

static int add_piece(enum live_kind kind, const char *bytes, size_t len, void *data)
{
    struct parts *parts = data;

    switch (kind) {
    case LIVE_TEXT:
        return add_words(parts, &parts->text, bytes, len);
    case LIVE_THOUGHT:
        return add_words(parts, &parts->thoughts, bytes, len);
    default:
        return add_json(parts, kind, bytes, len);
    }
}

static int parts_init(struct parts *parts)
{
    *parts = (struct parts){ .tool_calls = json_array(),
                             .sources = json_array(),
                             .message = json_array() };
    buf_init(&parts->text, SIZE_MAX);
    buf_init(&parts->thoughts, SIZE_MAX);
    return parts->message ? 0 : -1;
}

static void parts_done(struct parts *parts)
{
    buf_done(&parts->text);
    buf_done(&parts->thoughts);
    json_decref(parts->whole);
    json_decref(parts->tool_calls);
    json_decref(parts->sources);
    json_decref(parts->message);
}

static int collect(struct parts *parts, const struct run *run)
{
    int r = live_each(run->live, run->attempt, add_piece, parts);

    return r == 0 ? close_words(parts) : r;
}

/* ---- the result ---- */

static json_t *thoughts_of(const struct parts *parts)
{
    if (parts->whole)
        return json_incref(parts->whole);
    return parts->thoughts.len ? json_string(parts->thoughts.data) : json_null();
}

static json_t *usage_of(const struct ein_completion_outcome *outcome)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "input_tokens", (json_int_t)outcome->input_tokens,
                     "cached_tokens", (json_int_t)outcome->cached_tokens, "cache_write_tokens",
                     (json_int_t)outcome->cache_write_tokens, "output_tokens",
                     (json_int_t)outcome->output_tokens, "reasoning_tokens",
                     (json_int_t)outcome->reasoning_tokens);
}

static json_t *notes_of(const struct ein_completion_outcome *outcome, const json_t *notes)
{
    json_t *all = json_copy((json_t *)notes);

    if (outcome->notes)
        (void)json_array_extend(all, outcome->notes);
    return all;
}

static json_t *show(const struct parts *parts, const struct run *run,
                    const struct ein_completion_outcome *outcome, const json_t *notes)
{
    EIN_JSON json_t *model =
        *outcome->provider
            ? json_sprintf("%s/%s", outcome->provider, outcome->model)
            : json_sprintf("%s/%s", json_string_value(json_object_get(run->ticket, "provider")),
                           json_string_value(json_object_get(run->ticket, "model")));
    const char *stop = *outcome->stop_reason ? outcome->stop_reason : NULL;

    return json_pack("{s:s, s:o, s:O, s:o, s:f, s:s?, s:O, s:O, s:o}", "content",
                     buf_str(&parts->text), "thoughts", thoughts_of(parts), "model", model, "usage",
                     usage_of(outcome), "cost", (double)outcome->cost / 1e9, "stop_reason", stop,
                     "tool_calls", parts->tool_calls, "sources", parts->sources, "notes",
                     notes_of(outcome, notes));
}

json_t *result_make(const struct run *run, const struct ein_completion_outcome *outcome,
                    const json_t *notes)
{
    struct parts parts;
    EIN_JSON json_t *result = NULL;
    json_t *message;

    if (parts_init(&parts) == 0 && collect(&parts, run) == 0)
        result = show(&parts, run, outcome, notes);
    if (result && parts.needs_message) {
        message = json_pack("{s:s, s:O}", "role", "assistant", "content", parts.message);
        if (json_object_set_new(result, "message", message) < 0)
            json_object_clear(result);
    }
    parts_done(&parts);
    return json_object_size(result) ? EIN_TAKE(result) : NULL;
}
