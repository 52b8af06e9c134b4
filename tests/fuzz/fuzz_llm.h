/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets share that read a vendor's answers and write requests. */
#pragma once

#include "said.h"
#include "vendor.h"

#include <string.h>

static char *llm_redact(const char *text)
{
    return strdup(text);
}

static char *llm_json_text(const json_t *json, size_t *ret_len)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    if (ret_len)
        *ret_len = text ? strlen(text) : 0;
    return text;
}

static const struct ein_host llm_host = { .struct_size = sizeof(llm_host),
                                          .redact = llm_redact,
                                          .json_text = llm_json_text,
                                          .mem_free = free };
static const struct vendor llm_vendor = { .host = &llm_host, .title = "Vendor" };

/* The conversation in which the answer is given back. */
static inline json_t *llm_messages(struct said *said)
{
    json_t *messages =
        json_pack("[{s:s, s:s}, o*]", "role", "user", "content", "Hi", said_message(said));

    said_done(said);
    return messages;
}

/* A call with the members that `json` has. */
static inline struct ein_llm_call llm_call_of(const json_t *json)
{
    return (struct ein_llm_call){
        .struct_size = sizeof(struct ein_llm_call),
        .model = json_string_value(json_object_get(json, "model")),
        .messages = json_object_get(json, "messages"),
        .tools = json_object_get(json, "tools"),
        .built_in_tools = json_object_get(json, "built_in_tools"),
        .reply_schema = json_object_get(json, "reply_schema"),
        .parameters = json_object_get(json, "parameters"),
        .settings = json_object_get(json, "settings"),
        .tool_choice = json_object_get(json, "tool_choice"),
    };
}

/* An ein_llm_sink into a size_t, which has enough after a hundred pieces. */
static inline int llm_take(const struct ein_llm_piece *piece, void *count)
{
    if (piece->kind != EIN_LLM_TEXT && piece->kind != EIN_LLM_THOUGHT && !piece->data)
        abort();
    return ++*(size_t *)count > 100;
}

struct reply;

/* Until one of the lines answers otherwise than 0. */
static inline void llm_lines(const uint8_t *data, size_t size, struct reply *reply,
                             int (*line)(struct reply *reply, const char *text, size_t len))
{
    const char *at = (const char *)data, *end = at + size;

    for (int r = 0; r == 0 && at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        r = line(reply, at, (size_t)(stop - at));
        at = stop < end ? stop + 1 : end;
    }
}

/* It failed, with a fault and a sentence, or it did not. */
static inline void llm_check(int r, const struct ein_llm_outcome *outcome,
                             const struct ein_error *err)
{
    if (r < 0 ? !outcome->fault || !err->text[0] : outcome->fault)
        abort();
}
