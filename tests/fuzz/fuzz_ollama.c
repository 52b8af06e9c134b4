/* SPDX-License-Identifier: Apache-2.0 */
/* What a vendor may send, and what a client may: an answer that was read can be given back. */
#include "fuzz_llm.h"
#include "ollama.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(const json_t *json)
{
    struct said said;
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct ollama_reader reader = { .vendor = &llm_vendor,
                                    .sink = { said_take, &said },
                                    .outcome = &outcome };
    struct ein_error err = { 0 };

    if (said_init(&said, SIZE_MAX) < 0)
        abort();
    llm_check(ollama_read(&reader, json, &err), &outcome, &err);

    struct ein_llm_call call = { .model = "llama3" };
    EIN_JSON json_t *messages = llm_messages(&said), *body = NULL, *entry = NULL;
    call.messages = messages;
    if (ollama_request(&call, "", &body, &err) < 0)
        abort();
    entry = ollama_entry("llama3", json);
    if (!entry)
        abort();
}

static void write_request(const json_t *json)
{
    struct ein_llm_call call = llm_call_of(json);
    EIN_JSON json_t *body = NULL;
    struct ein_error err = { 0 };

    if (ollama_request(&call, "5m", &body, &err) < 0 && !err.text[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *json = vendor_json((const char *)data, size);
    struct vendor_failure failure = { .status = 403, .body = json, .fault = 100 };

    if (!json)
        return 0;
    read_answer(json);
    write_request(json);
    ollama_classify(NULL, &failure);
    return 0;
}
