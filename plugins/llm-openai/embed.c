/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "member.h"
#include "reply.h"

enum { INPUTS_AT_ONCE = 2048 };

struct embedding {
    struct openai_reply reply;
    struct vendor_vectors *vectors;
};

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    struct embedding *embedding = data;
    const json_t *list = json_object_get(json, "data"), *item;
    int r = 0;
    size_t i;

    if (unless_null(json, "error"))
        return openai_fail(&embedding->reply, json, err);
    if (!json_is_array(list))
        return openai_garbled(&embedding->reply, err);
    openai_take_names(&embedding->reply, json_object_get(json, "id"),
                      json_object_get(json, "model"));
    openai_take_usage(embedding->reply.outcome, json_object_get(json, "usage"));
    json_array_foreach(list, i, item)
    {
        const json_t *told = json_object_get(item, "index");
        json_int_t index = json_is_integer(told) ? json_integer_value(told) : (json_int_t)i;

        if (r == 0)
            r = vendor_vector(embedding->vectors, (size_t)index, json_object_get(item, "embedding"),
                              err);
    }
    return r;
}

/* As bytes, which are read and sent in a fraction of the time; who answers with numbers all the
 * same is understood, too. */
static int write_body(const struct openai *openai, const struct ein_llm_call *call,
                      json_t **ret_body, struct ein_error *err)
{
    EIN_JSON json_t *body = json_pack("{s:s?, s:O}", "model", call->model, "input", call->inputs);

    if (!body ||
        (*openai->embeddings_format &&
         json_object_set_new(body, "encoding_format", json_string(openai->embeddings_format)) < 0))
        return error_no_memory(err);
    if (call->parameters && json_object_update_missing(body, (json_t *)call->parameters) < 0)
        return error_no_memory(err);
    *ret_body = EIN_TAKE(body);
    return 0;
}

static int run(const struct openai *openai, const struct ein_llm_call *call,
               struct embedding *embedding, struct ein_error *err)
{
    EIN_VENDOR_HEADERS struct vendor_headers headers = { .count = 0 };
    EIN_JSON json_t *body = NULL;
    int r = openai_add_headers(openai, embedding->reply.secret, &headers, err);

    if (r == 0)
        r = write_body(openai, call, &body, err);
    if (r < 0)
        return r;
    const struct vendor_call what = {
        .llm = call,
        .path = openai->embeddings_path,
        .headers = &headers,
        .body = &body,
        .secret = embedding->reply.secret,
        .framing = VENDOR_JSON,
        .on_whole = on_whole,
        .classify = openai_classify,
        .data = embedding,
    };
    return vendor_run(&openai->vendor, &what, embedding->reply.outcome, err);
}

static int ask(const void *self, const struct ein_llm_call *call, struct vendor_vectors *vectors,
               struct ein_error *err)
{
    const struct vendor_sink nobody = { 0 };
    struct embedding embedding = { .vectors = vectors };
    const char *key = NULL;
    int r = openai_key(self, call, &key, vectors->outcome, err);

    if (r < 0)
        return r;
    openai_reply_init(&embedding.reply, self, &nobody, key, vectors->outcome);
    r = run(self, call, &embedding, err);
    openai_reply_done(&embedding.reply);
    return r;
}

int openai_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    const struct openai *openai = impl;
    const struct vendor_embedding how = { .vendor = &openai->vendor,
                                          .ask = ask,
                                          .self = openai,
                                          .at_once = INPUTS_AT_ONCE,
                                          .tokens = true };

    return vendor_embed(&how, call, &(struct vendor_sink){ sink, data }, ret_outcome, err);
}
