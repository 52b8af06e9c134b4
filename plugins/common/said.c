/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include "cleanup.h"
#include "member.h"
#include <string.h>

int said_init(struct said *said, size_t max)
{
    *said = (struct said){
        .max = max, .tool_calls = json_array(), .sources = json_array(), .parts = json_array()
    };
    buf_init(&said->text, max);
    buf_init(&said->thoughts, max);
    return said->tool_calls && said->sources && said->parts ? 0 : EIN_E_NO_MEMORY;
}

void said_done(struct said *said)
{
    buf_done(&said->text);
    buf_done(&said->thoughts);
    json_decref(said->tool_calls);
    json_decref(said->sources);
    json_decref(said->parts);
}

static int fail(struct said *said, int fault)
{
    said->fault = fault;
    return -1;
}

static int count(struct said *said, size_t len)
{
    if (len > said->max - said->len)
        return fail(said, EIN_E_TOO_LARGE);
    said->len += len;
    return 0;
}

static int add_part(struct said *said, json_t *take_part)
{
    return json_array_append_new(said->parts, take_part) < 0 ? fail(said, EIN_E_NO_MEMORY) : 0;
}

/* What was said since the last piece of another kind becomes a part. */
static int close_words(struct said *said)
{
    const struct buf *words = said->open;

    said->open = NULL;
    if (!words)
        return 0;
    return add_part(said,
                    json_pack("{s:s, s:s%}", "type", words == &said->text ? "text" : "thought",
                              "text", words->data + said->begun, words->len - said->begun));
}

int said_words(struct said *said, int kind, const char *bytes, size_t len)
{
    struct buf *words = kind == EIN_LLM_TEXT ? &said->text : &said->thoughts;

    if (len == 0)
        return 0;
    if (count(said, len) < 0)
        return -1;
    if (said->open != words) {
        if (close_words(said) < 0)
            return -1;
        said->open = words;
        said->begun = words->len;
    }
    return buf_add(words, bytes, len) < 0 ? fail(said, words->error) : 0;
}

static int add_words(struct said *said, const struct ein_llm_piece *piece)
{
    return piece->text ? said_words(said, piece->kind, piece->text, strlen(piece->text)) : 0;
}

/* What the vendor wants back with the thought before it. */
static int add_replay(struct said *said, json_t *replay)
{
    if (close_words(said) < 0)
        return -1;
    json_t *last = json_array_get(said->parts, json_array_size(said->parts) - 1);
    const char *of = text_of(last, "type");

    said->needs_message = true;
    if (!of || strcmp(of, "thought") != 0 || json_object_get(last, "replay"))
        return add_part(
            said, json_pack("{s:s, s:s, s:O}", "type", "thought", "text", "", "replay", replay));
    return json_object_set(last, "replay", replay) < 0 ? fail(said, EIN_E_NO_MEMORY) : 0;
}

static int add_thought(struct said *said, const struct ein_llm_piece *piece)
{
    json_t *replay = json_object_get(piece->data, "replay");

    if (add_words(said, piece) < 0)
        return -1;
    return replay ? add_replay(said, replay) : 0;
}

static int add_to(struct said *said, json_t *list, const json_t *data)
{
    EIN_FREE char *text = json_dumps(data, JSON_COMPACT);

    if (!text || json_array_append(list, (json_t *)data) < 0)
        return fail(said, EIN_E_NO_MEMORY);
    return count(said, strlen(text)) < 0 ? -1 : close_words(said);
}

static int add_tool_call(struct said *said, const json_t *data)
{
    json_t *part = json_pack("{s:s}", "type", "tool_call");

    said->needs_message = true;
    if (add_to(said, said->tool_calls, data) < 0 || json_object_update(part, (json_t *)data) < 0) {
        json_decref(part);
        return said->fault ? -1 : fail(said, EIN_E_NO_MEMORY);
    }
    return add_part(said, part);
}

int said_take(const struct ein_llm_piece *piece, void *data)
{
    struct said *said = data;

    switch (piece->kind) {
    case EIN_LLM_TEXT:
        return add_words(said, piece);
    case EIN_LLM_THOUGHT:
        return add_thought(said, piece);
    case EIN_LLM_TOOL_CALL:
        return piece->data ? add_tool_call(said, piece->data) : 0;
    case EIN_LLM_SOURCE:
        return piece->data ? add_to(said, said->sources, piece->data) : 0;
    default:
        return 0;
    }
}

json_t *said_message(struct said *said)
{
    return close_words(said) < 0
               ? NULL
               : json_pack("{s:s, s:O}", "role", "assistant", "content", said->parts);
}
