/* SPDX-License-Identifier: Apache-2.0 */
/* Events of Converse, one "TYPE JSON" a line; and, where a line is a call (an object with
 * "messages"), the request that is made of it. */
#include "fuzz_llm.h"
#include "reply.h"
#include "request.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const json_t *given)
{
    struct ein_llm_call call = llm_call_of(given);
    EIN_JSON json_t *before = json_deep_copy(given), *body = NULL;
    struct ein_error err = { 0 };
    int r;

    if (!call.model)
        call.model = "m";
    r = bedrock_request(&llm_host, &call, 4096, &body, &err);

    if (r != err.code || (r == 0) != (body != NULL) || !json_equal(before, (json_t *)given))
        abort();
}

static int line(struct reply *reply, const char *text, size_t len)
{
    const char *space = memchr(text, ' ', len);
    size_t type_len = space ? (size_t)(space - text) : len;
    struct frame frame = { .payload = space ? space + 1 : "",
                           .payload_len = space ? len - type_len - 1 : 0 };
    EIN_JSON json_t *json = vendor_json(text, len);
    struct ein_error err = { 0 };
    int r;

    if (json_object_get(json, "messages")) {
        request(json);
        return 0;
    }
    if (json_object_get(json, "output")) {
        r = reply_whole(reply, json, &err);
        if (r < 0 && r != EIN_E_CANCELLED && !reply->outcome->fault)
            abort();
        return r;
    }
    if (type_len >= sizeof(frame.event_type))
        return 0;
    memcpy(frame.event_type, text, type_len);
    memcpy(frame.exception_type, text, type_len);
    (void)snprintf(frame.message_type, sizeof(frame.message_type), "%s",
                   strstr(frame.event_type, "xception") ? "exception" : "event");
    r = reply_frame(&frame, reply, &err);
    if (r != err.code || (r < 0 && r != EIN_E_CANCELLED && !reply->outcome->fault))
        abort();
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vendor vendor = { .host = &llm_host, .title = "Bedrock", .event_max = 1000 };
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    size_t count = 0;
    struct reply reply = { .vendor = &vendor, .sink = { llm_take, &count }, .outcome = &outcome };

    llm_lines(data, size, &reply, line);
    reply_done(&reply);
    return 0;
}
