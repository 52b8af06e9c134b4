/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include "cleanup.h"
#include "said.h"
#include <string.h>

#define AGENTS_WIRE "gofannon" /* whose replay is what an agent has returned */

/* Pieces as they are put together. */
struct pieces {
    struct said said;
    json_t *whole; /* what an agent has returned; or NULL */
};

/* ---- pieces ---- */

static int add_replay(struct pieces *pieces, json_t *replay)
{
    const char *wire = json_string_value(json_object_get(replay, "wire"));

    if (!wire || strcmp(wire, AGENTS_WIRE) != 0) {
        EIN_JSON json_t *data = json_pack("{s:O}", "replay", replay);

        return said_take(&(struct ein_llm_piece){ .kind = EIN_LLM_THOUGHT, .data = data },
                         &pieces->said);
    }
    json_decref(pieces->whole);
    pieces->whole = json_incref(json_object_get(replay, "result"));
    return 0;
}

static int add_json(struct pieces *pieces, enum live_kind kind, const char *bytes, size_t len)
{
    EIN_JSON json_t *json = json_loadb(bytes, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct ein_llm_piece piece = { .kind = EIN_LLM_SOURCE, .data = json };

    if (!json)
        return -1;
    if (kind == LIVE_REPLAY)
        return add_replay(pieces, json);
    if (kind == LIVE_TOOL_CALL)
        piece.kind = EIN_LLM_TOOL_CALL;
    return said_take(&piece, &pieces->said);
}

static int add_piece(enum live_kind kind, const char *bytes, size_t len, void *data)
{
    struct pieces *pieces = data;

    switch (kind) {
    case LIVE_TEXT:
        return said_words(&pieces->said, EIN_LLM_TEXT, bytes, len);
    case LIVE_THOUGHT:
        return said_words(&pieces->said, EIN_LLM_THOUGHT, bytes, len);
    default:
        return add_json(pieces, kind, bytes, len);
    }
}

/* ---- the result ---- */

static json_t *thoughts_of(const struct pieces *pieces)
{
    if (pieces->whole)
        return json_incref(pieces->whole);
    return pieces->said.thoughts.len ? json_string(pieces->said.thoughts.data) : json_null();
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

static json_t *show(const struct pieces *pieces, const struct run *run,
                    const struct ein_completion_outcome *outcome, const json_t *notes)
{
    EIN_JSON json_t *model =
        *outcome->provider
            ? json_sprintf("%s/%s", outcome->provider, outcome->model)
            : json_sprintf("%s/%s", json_string_value(json_object_get(run->ticket, "provider")),
                           json_string_value(json_object_get(run->ticket, "model")));
    const char *stop = *outcome->stop_reason ? outcome->stop_reason : NULL;

    return json_pack("{s:s, s:o, s:O, s:o, s:f, s:s?, s:O, s:O, s:o}", "content",
                     buf_str(&pieces->said.text), "thoughts", thoughts_of(pieces), "model", model,
                     "usage", usage_of(outcome), "cost", (double)outcome->cost / 1e9, "stop_reason",
                     stop, "tool_calls", pieces->said.tool_calls, "sources", pieces->said.sources,
                     "notes", notes_of(outcome, notes));
}

json_t *result_make(const struct run *run, const struct ein_completion_outcome *outcome,
                    const json_t *notes)
{
    struct pieces pieces = { 0 };
    EIN_JSON json_t *result = NULL;

    if (said_init(&pieces.said, SIZE_MAX) == 0 &&
        live_each(run->live, run->attempt, add_piece, &pieces) == 0)
        result = show(&pieces, run, outcome, notes);
    if (result && pieces.said.needs_message &&
        json_object_set_new(result, "message", said_message(&pieces.said)) < 0)
        json_object_clear(result);
    said_done(&pieces.said);
    json_decref(pieces.whole);
    return json_object_size(result) ? EIN_TAKE(result) : NULL;
}
