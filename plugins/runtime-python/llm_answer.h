/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together what a model says. */
#ifndef RUNTIME_LLM_ANSWER_H
#define RUNTIME_LLM_ANSWER_H

#include "buf.h"
#include <einion/services.h>
#include <jansson.h>

struct llm_answer {
    size_t max, len; /* bytes that it may have, and has */
    int fault;       /* EIN_E_TOO_LARGE, EIN_E_NO_MEMORY; 0: none */
    json_t *parts;   /* of the message that would go back to the model */
    json_t *calls;
    struct buf text, thoughts;
};

int llm_answer_init(struct llm_answer *answer, size_t max);
void llm_answer_done(struct llm_answer *answer);
/* An ein_llm_sink. */
int llm_answer_take(const struct ein_llm_piece *piece, void *answer);
/* {"content", "thoughts", "tool_calls", "message"}; NULL: no memory. */
json_t *llm_answer_show(struct llm_answer *answer);

#endif
