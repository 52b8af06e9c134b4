/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include "clock.h"
#include "error.h"
#include "percent.h"
#include "sign.h"
#include "str.h"

int question_path(struct question *question, const char *model, const char *verb,
                  struct ein_error *err)
{
    EIN_FREE char *id = model ? percent_encode(model, "") : NULL;

    if (!id || !*id)
        return error_set(err, EIN_E_INVALID, "the model has no name");
    question->path = str_print("/model/%s/%s", id, verb);
    return question->path ? 0 : error_no_memory(err);
}

int question_body(const struct bedrock *bedrock, struct question *question, const json_t *body,
                  struct ein_error *err)
{
    question->body = vendor_body(&bedrock->vendor, body, &question->body_len);
    return question->body ? 0
                          : error_set(err, EIN_E_INVALID, "the request cannot be written as JSON");
}

/* ---- keys ---- */

static int sign_question(const struct bedrock *bedrock, struct question *question,
                         struct ein_error *err)
{
    const struct sign_keys keys = { bedrock->key_id, bedrock->key, bedrock->token };
    EIN_FREE char *path = str_print("%s%s", bedrock->path, question->path);
    struct signature signature;
    int r;

    if (!path)
        return error_no_memory(err);
    const struct sign_request request = {
        .service = bedrock->service,
        .region = bedrock->region,
        .host = bedrock->host,
        .path = path,
        .body = question->body,
        .body_len = question->body_len,
        .time_ms = clock_wall_ms(),
    };
    r = sign(&keys, &request, &signature, err);
    if (r < 0)
        return r;
    r = vendor_header(&question->headers, "X-Amz-Date", signature.date, err);
    if (r >= 0)
        r = vendor_header(&question->headers, "X-Amz-Security-Token", keys.token, err);
    if (r >= 0)
        r = vendor_header(&question->headers, "Authorization", signature.authorization, err);
    free(signature.authorization);
    return r;
}

int question_authorize(const struct bedrock *bedrock, const struct ein_llm_call *call,
                       struct question *question, struct ein_llm_outcome *outcome,
                       struct ein_error *err)
{
    const char *key;
    int r;

    if (!call->api_key && !bedrock->vendor.own_key && bedrock->key_id && bedrock->key) {
        question->secret = bedrock->key;
        return sign_question(bedrock, question, err);
    }
    r = vendor_key(&bedrock->vendor, call, &key, outcome, err);
    if (r < 0)
        return r;
    question->secret = key;
    return vendor_bearer(&question->headers, key, err);
}

void question_done(const struct bedrock *bedrock, struct question *question)
{
    free(question->path);
    bedrock->vendor.host->mem_free(question->body);
    vendor_headers_done(&question->headers);
}
