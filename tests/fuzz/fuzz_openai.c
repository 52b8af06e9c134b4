/* SPDX-License-Identifier: Apache-2.0 */
/* What a vendor may send, and what a client may: an answer that was read can be given back.  An
 * array is a stream of events. */
#include "fuzz_llm.h"
#include "reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct openai openai_with(enum openai_style style, const json_t *config)
{
    return (struct openai){
        .vendor = { .host = &llm_host, .title = "Vendor", .reply_max = 1 << 20 },
        .config = config,
        .style = style,
        .system_role = "system",
        .max_tokens_name = "max_tokens",
        .reasoning_summary = "auto",
        .reasoning_is_object = json_object_get(config, "object") != NULL,
        .schema_is_format = json_object_get(config, "format") != NULL,
        .cache_control = true,
        .reasoning_content = json_object_get(config, "thought") != NULL,
        .stream = true,
        .stream_usage = true,
        .takes_tools = true,
    };
}

/* ---- requests ---- */

static void write_request(const struct openai *openai, struct ein_llm_call *call)
{
    struct openai_request request;
    EIN_JSON json_t *body = NULL;
    struct ein_error err = { 0 };
    int r;

    if (!call->model)
        call->model = "m";
    openai_request_init(&request, openai, call);
    r = openai_request_body(&request, &body, &err);
    if (r < 0 ? !err.text[0] : !json_is_object(body))
        abort();
}

/* ---- answers ---- */

typedef int event_fn(void *data, const char *event, json_t *json, struct ein_error *err);

/* What is known again without reading is what reading finds. */
static void know_again(struct openai_reply *reply, const json_t *event)
{
    const json_t *choice = json_array_get(json_object_get(event, "choices"), 0);
    const json_t *text = json_object_get(json_object_get(choice, "delta"), "content");
    EIN_FREE char *chunk = json_dumps(event, JSON_COMPACT);
    EIN_JSON json_t *known = chunk ? repeat_text(&reply->repeat, chunk, strlen(chunk)) : NULL;

    if (known && !json_equal(known, text))
        abort();
    if (chunk)
        repeat_learn(&reply->repeat, chunk, strlen(chunk), event);
}

static int read_events(struct openai_reply *reply, const json_t *json, event_fn *take,
                       struct ein_error *err)
{
    json_t *event;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)json, i, event)
    {
        know_again(reply, event);
        if (r >= 0 && r != VENDOR_END)
            r = take(reply, "message", event, err);
    }
    return r;
}

static void read_answer(const struct openai *openai, json_t *json)
{
    bool chat = openai->style == OPENAI_CHAT;
    struct said said;
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    const struct vendor_sink sink = { said_take, &said };
    struct ein_llm_call call = { .model = "m" };
    struct ein_error err = { 0 };
    struct openai_reply reply;
    int r;

    if (said_init(&said, SIZE_MAX) < 0)
        abort();
    openai_reply_init(&reply, openai, &sink, "secret", &outcome);
    if (json_is_array(json))
        r = read_events(&reply, json, chat ? openai_chat_event : openai_responses_event, &err);
    else
        r = chat ? openai_chat_whole(&reply, json, &err)
                 : openai_responses_whole(&reply, json, &err);
    if (r >= 0 && chat)
        r = openai_chat_end(&reply, &err);
    llm_check(r, &outcome, &err);
    openai_reply_done(&reply);

    EIN_JSON json_t *messages = llm_messages(&said);
    call.messages = messages;
    write_request(openai, &call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_JSON json_t *json = vendor_json((const char *)data, size);
    struct vendor_failure failure = { .status = 429, .body = json, .fault = 300 };

    if (!json)
        return 0;
    for (int style = OPENAI_CHAT; style <= OPENAI_RESPONSES; style++) {
        struct openai openai = openai_with((enum openai_style)style, json);
        struct ein_llm_call call = llm_call_of(json);

        read_answer(&openai, json);
        write_request(&openai, &call);
        openai.style = OPENAI_AUTO;
        write_request(&openai, &call);
    }
    openai_classify(NULL, &failure);
    json_decref(openai_model(json));
    return 0;
}
