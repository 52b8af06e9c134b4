/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the Messages API, one JSON value a line; and, where the first is a call (an object with
 * "messages"), the request that is made of it. */
#include "fuzz_host.h"
#include "reply.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(const struct ein_llm_piece *piece, void *data)
{
    size_t *count = data;

    if (piece->kind != EIN_LLM_TEXT && piece->kind != EIN_LLM_THOUGHT && !piece->data)
        abort();
    return ++*count > 100;
}

static void request(const json_t *given)
{
    const struct ein_llm_call call = {
        .struct_size = sizeof(call),
        .model = json_string_value(json_object_get(given, "model")),
        .messages = json_object_get(given, "messages"),
        .tools = json_object_get(given, "tools"),
        .built_in_tools = json_object_get(given, "built_in_tools"),
        .reply_schema = json_object_get(given, "reply_schema"),
        .parameters = json_object_get(given, "parameters"),
        .settings = json_object_get(given, "settings"),
        .tool_choice = json_object_get(given, "tool_choice"),
    };
    const struct anthropic_rules rules = { .max_tokens = 4096, .sampling = true };
    EIN_JSON json_t *before = json_deep_copy(given), *body = NULL;
    struct ein_error err = { 0 };
    int r = anthropic_request(&call, &rules, &body, &err);

    if (r != err.code || (r == 0) != (body != NULL) || !json_equal(before, (json_t *)given))
        abort();
    if (body && json_integer_value(json_object_get(body, "max_tokens")) <= 0)
        abort();
}

static int line(struct reply *reply, const char *text, size_t len)
{
    EIN_JSON json_t *json = vendor_json(text, len);
    struct ein_error err = { 0 };
    int r;

    if (json_object_get(json, "messages"))
        request(json);
    r = reply->keep ? reply_event(reply, json, &err) : reply_whole(reply, json, &err);
    if (r != err.code || (r < 0 && r != EIN_E_CANCELLED && !reply->outcome->fault))
        abort();
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vendor vendor = { .host = &fuzz_host, .title = "Anthropic", .event_max = 1000 };
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    size_t count = 0;
    struct reply reply = { .vendor = &vendor,
                           .sink = { take, &count },
                           .outcome = &outcome,
                           .keep = size > 0 && data[0] == '{' };
    const char *at = (const char *)data, *end = at + size;

    for (int r = 0; r == 0 && at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        r = line(&reply, at, (size_t)(stop - at));
        at = stop < end ? stop + 1 : end;
    }
    reply_done(&reply);
    return 0;
}
