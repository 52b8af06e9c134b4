/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "member.h"
#include "ollama.h"

#include <string.h>

/* ---- pieces ---- */

static int read_thought(struct ollama_reader *reader, const char *text, struct ein_error *err)
{
    if (!text || !*text)
        return 0;
    reader->thinks = true;
    return vendor_piece(&reader->sink, EIN_LLM_THOUGHT, text, NULL, err);
}

/* It is worth giving back, so that a model goes on where it was. */
static int end_thought(struct ollama_reader *reader, struct ein_error *err)
{
    EIN_JSON json_t *data = NULL;

    if (!reader->thinks)
        return 0;
    reader->thinks = false;
    data = json_pack("{s:{s:s}}", "replay", "wire", OLLAMA_WIRE);
    return data ? vendor_piece(&reader->sink, EIN_LLM_THOUGHT, NULL, data, err)
                : error_no_memory(err);
}

static int read_text(struct ollama_reader *reader, const char *text, struct ein_error *err)
{
    int r;

    if (!text || !*text)
        return 0;
    r = end_thought(reader, err);
    return r < 0 ? r : vendor_piece(&reader->sink, EIN_LLM_TEXT, text, NULL, err);
}

static int read_call(struct ollama_reader *reader, const json_t *call, struct ein_error *err)
{
    const json_t *function = json_object_get(call, "function");
    int r = end_thought(reader, err);

    if (r < 0)
        return r;
    reader->has_called = true;
    return vendor_tool_object(reader->vendor, &reader->sink, text_of(call, "id"),
                              text_of(function, "name"), json_object_get(function, "arguments"),
                              NULL, reader->outcome, err);
}

static int read_message(struct ollama_reader *reader, const json_t *message, struct ein_error *err)
{
    const json_t *call;
    size_t at;
    int r = read_thought(reader, text_of(message, "thinking"), err);

    if (r == 0)
        r = read_text(reader, text_of(message, "content"), err);
    json_array_foreach(json_object_get(message, "tool_calls"), at, call)
    {
        if (r == 0)
            r = read_call(reader, call, err);
    }
    return r;
}

/* ---- lines ---- */

/* An error after it began well. */
static int read_error(const struct ollama_reader *reader, const json_t *line, struct ein_error *err)
{
    struct vendor_failure failure = { .body = line, .fault = EIN_LLM_FAULT_OVERLOADED };

    ollama_classify(NULL, &failure);
    return vendor_fail(reader->vendor, &failure, reader->secret, reader->outcome, err);
}

/* The prompt's count is left out where all of it was known already. */
static void read_end(struct ollama_reader *reader, const json_t *line)
{
    struct ein_llm_outcome *outcome = reader->outcome;
    const char *reason = text_of(line, "done_reason");
    bool length = reason && strcmp(reason, "length") == 0;

    outcome->input_tokens = vendor_count(line, "prompt_eval_count");
    outcome->output_tokens = vendor_count(line, "eval_count");
    vendor_copy(outcome->stop_reason, sizeof(outcome->stop_reason),
                length               ? "length"
                : reader->has_called ? "tool_calls"
                                     : "stop");
}

int ollama_read(struct ollama_reader *reader, const json_t *line, struct ein_error *err)
{
    int r;

    if (unless_null(line, "error"))
        return read_error(reader, line, err);
    vendor_copy(reader->outcome->model, sizeof(reader->outcome->model), text_of(line, "model"));
    r = read_message(reader, json_object_get(line, "message"), err);
    if (r < 0 || !json_is_true(json_object_get(line, "done")))
        return r;
    r = end_thought(reader, err);
    if (r < 0)
        return r;
    read_end(reader, line);
    return VENDOR_END;
}

/* ---- errors ---- */

void ollama_classify(void *data, struct vendor_failure *failure)
{
    const json_t *error = json_object_get(failure->body, "error");

    (void)data;
    failure->words = json_is_string(error) ? json_string_value(error) : text_of(error, "message");
    if (failure->status == 403 && failure->words && strcasestr(failure->words, "subscription"))
        failure->fault = EIN_LLM_FAULT_NO_CREDIT;
}
