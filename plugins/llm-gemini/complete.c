/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "gemini.h"
#include "percent.h"
#include "reply_tool.h"
#include "str.h"

#include <string.h>

static int on_event(void *data, const char *event, json_t *json, struct ein_error *err)
{
    (void)event;
    return json ? gemini_read(data, json, err) : 0;
}

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    int r = gemini_read(data, json, err);

    return r < 0 ? r : 0;
}

char *gemini_path(const struct gemini *gemini, const char *model, const char *verb)
{
    EIN_FREE char *encoded = percent_encode(model, "/");
    const char *folder = strchr(model, '/') ? "" : "models/"; /* or "tunedModels/NAME" */

    return encoded ? str_print("/%s/%s%s:%s", gemini->version, folder, encoded, verb) : NULL;
}

static int run(const struct gemini *gemini, const struct ein_llm_call *call, const char *key,
               json_t **body, struct gemini_reader *reader, struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    EIN_FREE char *path =
        gemini_path(gemini, call->model ? call->model : "", "streamGenerateContent?alt=sse");
    int r = path ? vendor_header(&headers, "x-goog-api-key", key, err) : error_no_memory(err);

    if (r < 0)
        return r;
    const struct vendor_call request = {
        .llm = call,
        .path = path,
        .headers = &headers,
        .accept = "Accept: */*",
        .body = body,
        .secret = key,
        .framing = VENDOR_SSE,
        .on_event = on_event,
        .on_whole = on_whole,
        .classify = gemini_classify,
        .data = reader,
    };
    r = vendor_run(&gemini->vendor, &request, reader->outcome, err);
    return r < 0 ? r : gemini_finish(reader, err);
}

static int ask(const void *self, struct ein_llm_call *call, const struct vendor_sink *sink,
               struct ein_llm_outcome *outcome, struct ein_error *err)
{
    const struct gemini *gemini = self;
    struct gemini_reader reader = { .vendor = &gemini->vendor,
                                    .sink = *sink,
                                    .outcome = outcome,
                                    .by_query = gemini_thinks_by_level(call) };
    EIN_JSON json_t *body = NULL;
    int r = vendor_key(&gemini->vendor, call, &reader.secret, outcome, err);

    if (r < 0)
        return r;
    r = gemini_request(call, &body, err);
    if (r < 0) {
        outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
        return r;
    }
    r = run(gemini, call, reader.secret, &body, &reader, err);
    if (r == 0 && strcmp(outcome->stop_reason, "content_filter") == 0)
        gemini->vendor.host->log_msg(gemini->vendor.ctx, EIN_INFO, "%s ended an answer: %s",
                                     gemini->vendor.title, reader.reason);
    gemini_reader_done(&reader);
    return r;
}

/* The older models take tools or a schema, but not both: one more tool gives the answer then. */
static bool answers_by_tool(const struct ein_llm_call *call)
{
    return call->reply_schema && json_array_size(call->tools) > 0 && !gemini_thinks_by_level(call);
}

static int complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct gemini *gemini = impl;
    const struct vendor_completion how = { gemini->vendor.host, ask, gemini, answers_by_tool };

    return vendor_complete(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}

const struct ein_llm_provider gemini_provider = {
    .struct_size = sizeof(gemini_provider),
    .complete = complete,
    .embed = gemini_embed,
};
