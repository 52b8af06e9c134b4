/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent: where to, what, and signed as its last step. */
#pragma once

#include "bedrock.h"

struct question {
    char *path; /* behind the base URL */
    char *body; /* host->mem_free */
    size_t body_len;
    bool whole;         /* the answer comes in one piece */
    const char *secret; /* that no error shows; lent */
    struct vendor_headers headers;
};

/* INVALID: the model has no name. */
int question_path(struct question *question, const char *model, const char *verb,
                  struct ein_error *err);
int question_body(const struct bedrock *bedrock, struct question *question, const json_t *body,
                  struct ein_error *err);
/* By the bearer key of the call, else that of the server, else the keys that sign. */
int question_authorize(const struct bedrock *bedrock, const struct ein_llm_call *call,
                       struct question *question, struct ein_llm_outcome *outcome,
                       struct ein_error *err);
void question_done(const struct bedrock *bedrock, struct question *question);
