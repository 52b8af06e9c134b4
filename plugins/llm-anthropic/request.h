/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

#define ANTHROPIC_WIRE "anthropic" /* of what is replayed */

struct anthropic_rules { /* of an instance */
    int64_t max_tokens;  /* where neither the caller nor the catalog says */
    bool sampling;       /* does the version take temperature, top_p and top_k? */
};

/* The body of POST /v1/messages; json_decref. */
int anthropic_request(const struct ein_llm_call *call, const struct anthropic_rules *rules,
                      json_t **ret_body, struct ein_error *err);

/* content.c: a turns_part_fn.  `data`: the web may be searched; without, no search is told again.
 */
int anthropic_part(const json_t *part, json_t *blocks, void *data, struct ein_error *err);
/* {"type": "ephemeral", "ttl"} of a part or tool that is marked; NULL: it is not. */
json_t *anthropic_cache(const json_t *marked);

/* tools.c: "tools" and "tool_choice" of the body. */
int anthropic_tools(const struct ein_llm_call *call, json_t *body, struct ein_error *err);
