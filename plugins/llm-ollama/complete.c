/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "error.h"
#include "ollama.h"
#include "reply_tool.h"

#include <string.h>

int ollama_call(const struct ollama *ollama, struct vendor_call *call, const char *key,
                struct ein_llm_outcome *outcome, struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    int r = vendor_bearer(&headers, key, err);

    if (r < 0)
        return r;
    call->headers = &headers;
    call->secret = key;
    call->classify = call->classify ? call->classify : ollama_classify;
    return vendor_run(&ollama->vendor, call, outcome, err);
}

static int on_event(void *data, const char *event, json_t *json, struct ein_error *err)
{
    (void)event;
    return json ? ollama_read(data, json, err) : 0;
}

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    const struct ollama_reader *reader = data;
    int r = ollama_read(data, json, err);

    if (r == 0)
        return vendor_fault(reader->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                            "the answer of %s broke off before its end", reader->vendor->title);
    return r < 0 ? r : 0;
}

/* A server of one's own wants no key. */
int ollama_key(const struct ollama *ollama, const struct ein_llm_call *call, const char **ret_key,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const char *key = call->api_key ? call->api_key : ollama->vendor.own_key;

    *ret_key = NULL;
    return key && *key ? vendor_key(&ollama->vendor, call, ret_key, outcome, err) : 0;
}

static void classify(void *data, struct vendor_failure *failure)
{
    struct ollama_reader *reader = data;

    ollama_classify(data, failure);
    reader->no_levels = failure->words && strncmp(failure->words, "think value", 11) == 0;
}

/* LEVELS false: to think is yes or no. */
static int ask_once(const struct ollama *ollama, const struct ein_llm_call *call, bool levels,
                    struct ollama_reader *reader, struct ein_error *err)
{
    struct ein_llm_outcome *outcome = reader->outcome;
    EIN_JSON json_t *body = NULL, *think = NULL;
    int r = ollama_request(call, ollama->keep_alive, &body, err);

    if (r < 0) {
        outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
        return r;
    }
    think = json_incref(json_object_get(body, "think"));
    const char *level = json_string_value(think);
    if (level && refused_has(ollama->refused, reader->secret, call->model, level))
        levels = false;
    if (level && !levels && json_object_set_new(body, "think", json_true()) < 0)
        return error_no_memory(err);
    struct vendor_call request = {
        .llm = call,
        .path = "/api/chat",
        .body = &body,
        .framing = VENDOR_LINES,
        .on_event = on_event,
        .on_whole = on_whole,
        .classify = classify,
        .data = reader,
    };
    r = ollama_call(ollama, &request, reader->secret, outcome, err);
    if (r < 0 && reader->no_levels && level)
        refused_add(ollama->refused, reader->secret, call->model, level);
    return r;
}

/* How much to think, the older servers tell to few models only. */
static int ask(const void *self, struct ein_llm_call *call, const struct vendor_sink *sink,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const struct ollama *ollama = self;
    struct ollama_reader reader = { .vendor = &ollama->vendor, .sink = *sink, .outcome = outcome };
    int64_t until_ms = clock_mono_ms() + call->total_ms;
    int r = ollama_key(ollama, call, &reader.secret, outcome, err);

    if (r < 0)
        return r;
    r = ask_once(ollama, call, true, &reader, err);
    if (r == 0 || !reader.no_levels)
        return r;
    *outcome = (struct ein_llm_outcome){ .struct_size = sizeof(*outcome) };
    error_clear(err);
    vendor_left(call, until_ms);
    return ask_once(ollama, call, false, &reader, err);
}

static int complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct vendor_completion how = { .ask = ask, .self = impl };

    return vendor_complete(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}

const struct ein_llm_provider ollama_provider = {
    .struct_size = sizeof(ollama_provider),
    .models = ollama_models,
    .complete = complete,
    .embed = ollama_embed,
};
