/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the tools that a call wants of its vendor the model has. */
#pragma once

#include "parameters.h"

#include <einion/services.h>

struct built_in {
    json_t *tools, *choice; /* as in struct ein_llm_call; both may be NULL */
    uint64_t searches;      /* of the web that may come of it; 0: none */
};

/* As the rules have it: what cannot be is left out, or INVALID.  built_in_done(), in any case. */
int built_in_check(const struct parameter_rules *rules, const struct ein_completion_call *call,
                   struct built_in *ret, json_t **notes, struct ein_error *err);
void built_in_done(struct built_in *built_in);
