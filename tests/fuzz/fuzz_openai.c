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

/* As vendor_run() does it, or without looking at the text. */
static int read_chunk(struct openai_reply *reply, json_t *event, bool quick, struct ein_error *err)
{
    EIN_FREE char *text = quick ? json_dumps(event, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int r = text ? openai_chat_text(reply, text, strlen(text), err) : VENDOR_READ;

    return r == VENDOR_READ ? openai_chat_event(reply, "message", event, err) : r;
}

static int read_events(struct openai_reply *reply, const json_t *json, bool quick,
                       struct ein_error *err)
{
    json_t *event;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)json, i, event)
    {
        if (r < 0 || r == VENDOR_END)
            break;
        r = reply->openai->style == OPENAI_CHAT
                ? read_chunk(reply, event, quick, err)
                : openai_responses_event(reply, "message", event, err);
    }
    return r;
}

/* What was said, and what became of it. */
struct answer {
    struct said said;
    struct ein_llm_outcome outcome;
};

static void read_answer(const struct openai *openai, json_t *json, bool quick,
                        struct answer *answer)
{
    const struct vendor_sink sink = { said_take, &answer->said };
    bool chat = openai->style == OPENAI_CHAT;
    struct ein_error err = { 0 };
    struct openai_reply reply;
    int r;

    *answer = (struct answer){ .outcome.struct_size = sizeof(answer->outcome) };
    if (said_init(&answer->said, SIZE_MAX) < 0)
        abort();
    openai_reply_init(&reply, openai, &sink, "secret", &answer->outcome);
    if (json_is_array(json))
        r = read_events(&reply, json, quick, &err);
    else
        r = chat ? openai_chat_whole(&reply, json, &err)
                 : openai_responses_whole(&reply, json, &err);
    if (r >= 0 && chat)
        r = openai_chat_end(&reply, &err);
    llm_check(r, &answer->outcome, &err);
    openai_reply_done(&reply);
}

/* Both ways of reading find the same. */
static void read_twice(const struct openai *openai, json_t *json)
{
    struct answer answer, again;

    read_answer(openai, json, true, &answer);
    read_answer(openai, json, false, &again);
    if (strcmp(buf_str(&answer.said.text), buf_str(&again.said.text)) != 0 ||
        memcmp(&answer.outcome, &again.outcome, sizeof(answer.outcome)) != 0)
        abort();
    said_done(&again.said);

    EIN_JSON json_t *messages = llm_messages(&answer.said);
    struct ein_llm_call call = { .model = "m", .messages = messages };

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

        read_twice(&openai, json);
        write_request(&openai, &call);
        openai.style = OPENAI_AUTO;
        write_request(&openai, &call);
    }
    openai_classify(NULL, &failure);
    json_decref(openai_model(json));
    return 0;
}
