/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request to one of the APIs of /v1: what is taken is a call as completion/1 wants
 * it, and what the messages say is, as a model's answer, JSON again in every form. */
#include "answer.h"
#include "cleanup.h"
#include "json_depth.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32 };

static const struct ask_limits limits = {
    .messages = 64, .parts = 64, .tools = 64, .inputs = 64, .depth = DEPTH, .values = 100000
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool right)
{
    if (!right)
        abort();
}

static bool is(const json_t *object, const char *member, const char *text)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value && strcmp(value, text) == 0;
}

/* ---- the call ---- */

static void check_content(const json_t *content, bool nested);

static void check_part(const json_t *part, bool nested)
{
    const json_t *replay = json_object_get(part, "replay");

    demand(!replay || json_is_string(json_object_get(replay, "wire")));
    if (is(part, "type", "text"))
        demand(json_is_string(json_object_get(part, "text")));
    else if (is(part, "type", "image") || is(part, "type", "file"))
        demand(json_is_string(json_object_get(part, "url")) ||
               (json_is_string(json_object_get(part, "data")) &&
                json_is_string(json_object_get(part, "media_type"))));
    else if (is(part, "type", "tool_call"))
        demand(json_is_string(json_object_get(part, "id")) &&
               json_is_string(json_object_get(part, "name")) &&
               json_is_object(json_object_get(part, "arguments")));
    else if (is(part, "type", "tool_result") && !nested)
        check_content(json_object_get(part, "content"), true);
    else
        demand(is(part, "type", "thought") || (nested && is(part, "type", "tool_result")));
}

static void check_content(const json_t *content, bool nested)
{
    const json_t *part;
    size_t i;

    demand(json_is_string(content) || json_is_array(content));
    json_array_foreach(content, i, part) check_part(part, nested);
}

static void check_ask(const struct ask *ask)
{
    const json_t *message, *tool, *input;
    size_t i;

    json_array_foreach(ask->inputs, i, input)
        demand(json_string_length(input) > 0 || json_array_size(input) > 0);
    demand(ask->model && *ask->model && (!ask->parameters || json_is_object(ask->parameters)));
    json_array_foreach(ask->messages, i, message)
    {
        demand(is(message, "role", "system") || is(message, "role", "user") ||
               is(message, "role", "assistant"));
        check_content(json_object_get(message, "content"), false);
    }
    json_array_foreach(ask->tools, i, tool) demand(json_is_string(json_object_get(tool, "name")));
    json_array_foreach(ask->built_in_tools, i, tool)
        demand(json_is_object(json_object_get(tool, "web_search")) ||
               json_is_string(json_object_get(tool, "wire")));
    demand(!ask->reply_schema || json_is_object(ask->reply_schema));
}

/* ---- the answer ---- */

static void say(const struct form *form, struct answer *answer, int32_t kind, const char *text,
                const json_t *data)
{
    const struct ein_llm_piece piece = {
        .struct_size = sizeof(piece), .kind = kind, .text = text, .data = data
    };

    form->piece(answer, &piece);
}

static void say_part(const struct form *form, struct answer *answer, const json_t *part)
{
    const char *text = json_string_value(json_object_get(part, "text"));

    if (is(part, "type", "tool_call"))
        say(form, answer, EIN_LLM_TOOL_CALL, NULL, part);
    else if (is(part, "type", "thought"))
        say(form, answer, EIN_LLM_THOUGHT, text, part);
    else if (is(part, "type", "text"))
        say(form, answer, EIN_LLM_TEXT, text, NULL);
    else
        say(form, answer, EIN_LLM_SOURCE, NULL, part);
    say(form, answer, EIN_LLM_SEARCH, NULL, part);
}

static void say_all(const struct form *form, struct answer *answer, const json_t *messages)
{
    const json_t *message, *part;
    size_t i, k;

    json_array_foreach(messages, i, message)
    {
        const json_t *content = json_object_get(message, "content");

        if (json_is_string(content))
            say(form, answer, EIN_LLM_TEXT, json_string_value(content), NULL);
        json_array_foreach(content, k, part) say_part(form, answer, part);
    }
}

static void check_json(const char *text, size_t len)
{
    EIN_JSON json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    demand(json_is_object(json));
}

/* Every line of a stream is empty, the name of an event, or its data. */
static void check_stream(const struct buf *out)
{
    static const char data[] = "data: ", event[] = "event: ";
    const char *at = out->data, *end = out->data + out->len;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t len = line_end ? (size_t)(line_end - at) : 0;

        demand(line_end);
        if (len > sizeof(data) - 1 && memcmp(at, data, sizeof(data) - 1) == 0) {
            if (!(len == 12 && memcmp(at, "data: [DONE]", 12) == 0))
                check_json(at + sizeof(data) - 1, len - (sizeof(data) - 1));
        } else {
            demand(len == 0 || memcmp(at, event, sizeof(event) - 1) == 0);
        }
        at = line_end + 1;
    }
}

static void answer_as(const struct form *form, struct ask *ask)
{
    struct ein_completion_outcome outcome = { .struct_size = sizeof(outcome),
                                              .provider = "one",
                                              .stop_reason = "stop" };
    const struct wrong wrong = { .status = 503, .text = "It broke off." };
    struct answer answer;

    ask->stream = form->fail != NULL;
    answer_begin(&answer, form, ask, &outcome, "request");
    say_all(form, &answer, ask->messages);
    form->end(&answer);
    demand(!answer.out.error);
    if (!form->fail) {
        check_json(answer.out.data, answer.out.len);
    } else {
        form->fail(&answer, &wrong);
        check_stream(&answer.out);
    }
    answer_done(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const asks[])(const json_t *, const struct ask_limits *, struct ask *,
                               struct flaw *) = { responses_ask, anthropic_ask, chat_ask };
    EIN_JSON json_t *body = NULL;
    struct flaw flaw = { .text = "" };
    struct ask ask = { .model = NULL };
    int r;

    if (size == 0)
        return 0;
    body = json_object_read((const char *)data + 1, size - 1, DEPTH);
    if (!body)
        return 0;
    r = (data[0] == 'E'   ? embeddings_ask
         : data[0] == 'P' ? completions_ask
                          : asks[data[0] % 3])(body, &limits, &ask, &flaw);
    demand(r == 0 || (r == EIN_E_INVALID && flaw.text[0]));
    if (r == 0) {
        check_ask(&ask);
        answer_as(&chat_whole, &ask);
        answer_as(&chat_stream, &ask);
        answer_as(&anthropic_whole, &ask);
        answer_as(&anthropic_stream, &ask);
        answer_as(&responses_whole, &ask);
        answer_as(&responses_stream, &ask);
    }
    ask_done(&ask);
    return 0;
}
