/* SPDX-License-Identifier: Apache-2.0 */
/* InvokeModel: Titan's embeddings, of one text at a time, and Cohere's. */
#include "error.h"
#include "question.h"
#include "reply.h"

#include <string.h>

enum { COHERE_AT_ONCE = 96 };

static bool is_cohere(const char *model)
{
    return model && strstr(model, "cohere.") != NULL;
}

static json_t *cohere_body(const struct ein_llm_call *call)
{
    const json_t *type = json_object_get(call->parameters, "input_type");
    const char *input_type = json_string_value(type);

    return json_pack("{s:O, s:s, s:s, s:[s], s:O*}", "texts", call->inputs, "input_type",
                     input_type ? input_type : "search_document", "truncate", "NONE",
                     "embedding_types", "float", "output_dimension",
                     json_object_get(call->parameters, "dimensions"));
}

static json_t *titan_body(const struct ein_llm_call *call)
{
    return json_pack("{s:O, s:O*}", "inputText", json_array_get(call->inputs, 0), "dimensions",
                     json_object_get(call->parameters, "dimensions"));
}

/* By type, or, of those who were asked for none, as they are. */
static int on_cohere(void *data, json_t *json, struct ein_error *err)
{
    struct vendor_vectors *vectors = data;
    const json_t *told = json_object_get(json, "embeddings");

    return vendor_vector_all(vectors, json_is_object(told) ? json_object_get(told, "float") : told,
                             err);
}

static int on_titan(void *data, json_t *json, struct ein_error *err)
{
    struct vendor_vectors *vectors = data;

    vectors->outcome->input_tokens = vendor_count(json, "inputTextTokenCount");
    return vendor_vector(vectors, 0, json_object_get(json, "embedding"), err);
}

static int send_question(const struct bedrock *bedrock, const struct ein_llm_call *call,
                         struct question *question, struct vendor_vectors *vectors,
                         struct ein_error *err)
{
    const bool cohere = is_cohere(call->model);
    EIN_JSON json_t *body = cohere ? cohere_body(call) : titan_body(call);
    int r = body ? question_path(question, call->model, "invoke", err) : error_no_memory(err);

    if (r >= 0)
        r = question_body(bedrock, question, body, err);
    if (r == EIN_E_INVALID)
        vectors->outcome->fault = EIN_LLM_FAULT_BAD_REQUEST;
    if (r >= 0)
        r = question_authorize(bedrock, call, question, vectors->outcome, err);
    if (r < 0)
        return r;
    const struct vendor_call what = {
        .llm = call,
        .path = question->path,
        .headers = &question->headers,
        .body_text = question->body,
        .body_len = question->body_len,
        .secret = question->secret,
        .id_header = "x-amzn-requestid",
        .tokens_header = "x-amzn-bedrock-input-token-count",
        .framing = VENDOR_JSON,
        .on_whole = cohere ? on_cohere : on_titan,
        .classify = bedrock_classify,
        .data = vectors,
    };
    return vendor_run(&bedrock->vendor, &what, vectors->outcome, err);
}

static int ask(const void *self, const struct ein_llm_call *call, struct vendor_vectors *vectors,
               struct ein_error *err)
{
    struct question question = { 0 };
    int r = send_question(self, call, &question, vectors, err);

    question_done(self, &question);
    return r;
}

int bedrock_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                  struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct bedrock *bedrock = impl;
    const struct vendor_embedding how = { .vendor = &bedrock->vendor,
                                          .ask = ask,
                                          .self = bedrock,
                                          .at_once = is_cohere(call->model) ? COHERE_AT_ONCE : 1 };

    return vendor_embed(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}
