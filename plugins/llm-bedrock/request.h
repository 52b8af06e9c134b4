/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

#define BEDROCK_WIRE "bedrock" /* of what is replayed */

/* Converse is not the same for all of them. */
enum bedrock_family { BEDROCK_OTHER, BEDROCK_CLAUDE, BEDROCK_NOVA, BEDROCK_LLAMA };
/* The catalog may tell of models whose id does not, such as an inference profile's ARN. */
enum bedrock_family bedrock_family(const struct ein_llm_call *call);
/* Is there no stream of an answer to this body?  Llama gives none that calls tools. */
bool bedrock_is_whole(const struct ein_llm_call *call, const json_t *body);

/* The body of POST /model/{id}/converse-stream; json_decref. */
int bedrock_request(const struct ein_host *host, const struct ein_llm_call *call,
                    int64_t max_tokens, json_t **ret_body, struct ein_error *err);

/* Is one of the blocks such a one: "text", "toolUse"? */
bool bedrock_has(const json_t *blocks, const char *member);

struct bedrock_writer {
    unsigned documents; /* so far: their names must differ */
    bool caches;        /* does the model know of cache points? */
};
void bedrock_writer_init(const struct ein_llm_call *call, struct bedrock_writer *writer);
/* content.c: a turns_part_fn; `data` is a struct bedrock_writer. */
int bedrock_part(const json_t *part, json_t *blocks, void *data, struct ein_error *err);
/* {"cachePoint": ...} behind a part or tool that is marked, where one is. */
int bedrock_cache(const struct bedrock_writer *writer, const json_t *marked, json_t *blocks,
                  struct ein_error *err);

/* tools.c: "toolConfig" of the body, whose "messages" are there. */
int bedrock_tools(const struct ein_llm_call *call, json_t *body, struct ein_error *err);

/* fields.c: "additionalModelRequestFields", and what "inferenceConfig" must not say then. */
int bedrock_fields(const struct ein_llm_call *call, json_t *body, struct ein_error *err);
