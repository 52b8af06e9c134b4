/* SPDX-License-Identifier: Apache-2.0 */
#include "llm_answer.h"
#include "cleanup.h"

#include <string.h>

int llm_answer_init(struct llm_answer *answer, size_t max)
{
    *answer = (struct llm_answer){ .max = max, .parts = json_array(), .calls = json_array() };
    buf_init(&answer->text, max);
    buf_init(&answer->thoughts, max);
    return answer->parts && answer->calls ? 0 : EIN_E_NO_MEMORY;
}

void llm_answer_done(struct llm_answer *answer)
{
    buf_done(&answer->text);
    buf_done(&answer->thoughts);
    json_decref(answer->parts);
    json_decref(answer->calls);
}

static int fail(struct llm_answer *answer, int fault)
{
    answer->fault = fault;
    return -1;
}

static int count(struct llm_answer *answer, size_t len)
{
    answer->len += len;
    return answer->len > answer->max ? fail(answer, EIN_E_TOO_LARGE) : 0;
}

static int add_words(struct llm_answer *answer, struct buf *words, const char *text)
{
    size_t len = strlen(text);

    if (count(answer, len) < 0)
        return -1;
    return buf_add(words, text, len) < 0 ? fail(answer, words->error) : 0;
}

static int add_part(struct llm_answer *answer, json_t *take_part)
{
    return json_array_append_new(answer->parts, take_part) < 0 ? fail(answer, EIN_E_NO_MEMORY) : 0;
}

/* What the vendor wants back of its thoughts comes with the next question. */
static int add_thought(struct llm_answer *answer, const struct ein_llm_piece *piece)
{
    json_t *replay = json_object_get(piece->data, "replay");

    if (replay && add_part(answer, json_pack("{s:s, s:s, s:O}", "type", "thought", "text",
                                             piece->text ? piece->text : "", "replay", replay)) < 0)
        return -1;
    return piece->text ? add_words(answer, &answer->thoughts, piece->text) : 0;
}

static int add_tool_call(struct llm_answer *answer, const json_t *data)
{
    EIN_FREE char *text = json_dumps(data, JSON_COMPACT);
    json_t *part = json_copy((json_t *)data);

    if (count(answer, text ? strlen(text) : 0) < 0) {
        json_decref(part);
        return -1;
    }
    if (json_array_append(answer->calls, (json_t *)data) < 0 ||
        json_object_set_new(part, "type", json_string("tool_call")) < 0) {
        json_decref(part);
        return fail(answer, EIN_E_NO_MEMORY);
    }
    return add_part(answer, part);
}

int llm_answer_take(const struct ein_llm_piece *piece, void *data)
{
    struct llm_answer *answer = data;

    switch (piece->kind) {
    case EIN_LLM_TEXT:
        return piece->text ? add_words(answer, &answer->text, piece->text) : 0;
    case EIN_LLM_THOUGHT:
        return add_thought(answer, piece);
    case EIN_LLM_TOOL_CALL:
        return piece->data ? add_tool_call(answer, piece->data) : 0;
    default:
        return 0;
    }
}

/* The assistant's turn: thoughts that are wanted back, its text, its calls. */
static json_t *message_of(const struct llm_answer *answer)
{
    json_t *text, *parts = json_copy(answer->parts);
    size_t at = 0;

    while (json_object_get(json_array_get(parts, at), "replay") &&
           strcmp(json_string_value(json_object_get(json_array_get(parts, at), "type")),
                  "thought") == 0)
        at++;
    if (answer->text.len) {
        text = json_pack("{s:s, s:s}", "type", "text", "text", answer->text.data);
        (void)json_array_insert_new(parts, at, text);
    }
    return json_pack("{s:s, s:o}", "role", "assistant", "content", parts);
}

json_t *llm_answer_show(struct llm_answer *answer)
{
    return json_pack("{s:s, s:s?, s:O, s:o}", "content", buf_str(&answer->text), "thoughts",
                     answer->thoughts.len ? answer->thoughts.data : NULL, "tool_calls",
                     answer->calls, "message", message_of(answer));
}
