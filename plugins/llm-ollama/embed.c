/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "ollama.h"

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    struct vendor_vectors *vectors = data;

    vectors->outcome->input_tokens = vendor_count(json, "prompt_eval_count");
    return vendor_vector_all(vectors, json_object_get(json, "embeddings"), err);
}

static int ask(const void *self, const struct ein_llm_call *call, struct vendor_vectors *vectors,
               struct ein_error *err)
{
    const struct ollama *ollama = self;
    const char *key = NULL;
    int r = ollama_key(ollama, call, &key, vectors->outcome, err);

    if (r < 0)
        return r;
    /* Half a text has another vector than the whole: it is not cut without a word. */
    EIN_JSON json_t *body =
        json_pack("{s:s?, s:O, s:b, s:s*, s:O*}", "model", call->model, "input", call->inputs,
                  "truncate", 0, "keep_alive", *ollama->keep_alive ? ollama->keep_alive : NULL,
                  "dimensions", json_object_get(call->parameters, "dimensions"));
    struct vendor_call request = {
        .llm = call,
        .path = "/api/embed",
        .body = &body,
        .framing = VENDOR_JSON,
        .on_whole = on_whole,
        .data = vectors,
    };
    return body ? ollama_call(ollama, &request, key, vectors->outcome, err) : error_no_memory(err);
}

int ollama_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct ollama *ollama = impl;
    const struct vendor_embedding how = { .vendor = &ollama->vendor, .ask = ask, .self = ollama };

    return vendor_embed(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}
