/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the Messages API, one JSON value a line; and, where the first is a call (an object with
 * "messages"), the request that is made of it. */
#include "fuzz_llm.h"
#include "reply.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const json_t *given)
{
    const struct ein_llm_call call = llm_call_of(given);
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
    const struct vendor vendor = { .host = &llm_host, .title = "Anthropic", .event_max = 1000 };
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    size_t count = 0;
    struct reply reply = { .vendor = &vendor,
                           .sink = { llm_take, &count },
                           .outcome = &outcome,
                           .keep = size > 0 && data[0] == '{' };

    llm_lines(data, size, &reply, line);
    reply_done(&reply);
    return 0;
}
