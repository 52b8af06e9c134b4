/* SPDX-License-Identifier: Apache-2.0 */
/* What a vendor may send, and what a client may: an answer that was read can be given back. */
#include "fuzz_llm.h"
#include "gemini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(const json_t *json)
{
    struct said said;
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct gemini_reader reader = { .vendor = &llm_vendor,
                                    .sink = { said_take, &said },
                                    .outcome = &outcome };
    struct ein_error err = { 0 };
    int r;

    if (said_init(&said, SIZE_MAX) < 0)
        abort();
    r = gemini_read(&reader, json, &err);
    if (r >= 0)
        r = gemini_finish(&reader, &err);
    llm_check(r, &outcome, &err);
    gemini_reader_done(&reader);

    struct ein_llm_call call = { .model = "gemini-3-pro" };
    EIN_JSON json_t *messages = llm_messages(&said), *body = NULL;
    call.messages = messages;
    if (gemini_request(&call, &body, &err) < 0)
        abort();
}

static void write_request(const json_t *json)
{
    struct ein_llm_call call = llm_call_of(json);
    EIN_JSON json_t *body = NULL;
    struct ein_error err = { 0 };
    int r = gemini_request(&call, &body, &err);

    if (r < 0 ? !err.text[0] : !json_array_size(json_object_get(body, "contents")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *json = vendor_json((const char *)data, size);
    struct vendor_failure failure = { .status = 429, .body = json, .fault = 300 };

    if (!json)
        return 0;
    read_answer(json);
    write_request(json);
    gemini_classify(NULL, &failure);
    return 0;
}
