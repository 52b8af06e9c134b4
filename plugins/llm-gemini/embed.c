/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "gemini.h"

#include <string.h>

enum { INPUTS_AT_ONCE = 100 };

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    struct vendor_vectors *vectors = data;
    const json_t *list = json_object_get(json, "embeddings"), *item;
    int r = 0;
    size_t i;

    vectors->outcome->input_tokens =
        vendor_count(json_object_get(json, "usageMetadata"), "promptTokenCount");
    json_array_foreach(list, i, item)
    {
        if (r == 0)
            r = vendor_vector(vectors, i, json_object_get(item, "values"), err);
    }
    return r;
}

/* {"requests": one for each input}, each of which names the model again. */
static json_t *body_of(const struct ein_llm_call *call)
{
    const char *model = call->model ? call->model : "";
    EIN_JSON json_t *name = json_sprintf("%s%s", strchr(model, '/') ? "" : "models/", model);
    EIN_JSON json_t *requests = json_array();
    const json_t *input;
    size_t i;

    json_array_foreach(call->inputs, i, input)
    {
        json_t *request = json_pack("{s:O, s:{s:[{s:O}]}, s:O*, s:O*}", "model", name, "content",
                                    "parts", "text", input, "outputDimensionality",
                                    json_object_get(call->parameters, "dimensions"), "taskType",
                                    json_object_get(call->parameters, "task_type"));

        if (json_array_append_new(requests, request) < 0)
            return NULL;
    }
    return json_pack("{s:O}", "requests", requests);
}

static int ask(const void *self, const struct ein_llm_call *call, struct vendor_vectors *vectors,
               struct ein_error *err)
{
    const struct gemini *gemini = self;
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    EIN_FREE char *path = gemini_path(gemini, call->model ? call->model : "", "batchEmbedContents");
    EIN_JSON json_t *body = body_of(call);
    const char *key = NULL;
    int r = vendor_key(&gemini->vendor, call, &key, vectors->outcome, err);

    if (r == 0)
        r = path && body ? vendor_header(&headers, "x-goog-api-key", key, err)
                         : error_no_memory(err);
    if (r < 0)
        return r;
    const struct vendor_call request = {
        .llm = call,
        .path = path,
        .headers = &headers,
        .body = &body,
        .secret = key,
        .framing = VENDOR_JSON,
        .on_whole = on_whole,
        .classify = gemini_classify,
        .data = vectors,
    };
    return vendor_run(&gemini->vendor, &request, vectors->outcome, err);
}

int gemini_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct gemini *gemini = impl;
    const struct vendor_embedding how = {
        .vendor = &gemini->vendor, .ask = ask, .self = gemini, .at_once = INPUTS_AT_ONCE
    };

    return vendor_embed(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}
