/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BEDROCK_REQUEST_H
#define BEDROCK_REQUEST_H

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

#define BEDROCK_WIRE "bedrock" /* of what is replayed */

/* The body of POST /model/{id}/converse-stream; json_decref. */
int bedrock_request(const struct ein_host *host, const struct ein_llm_call *call,
                    int64_t max_tokens, json_t **ret_body, struct ein_error *err);

/* content.c: a turns_part_fn.  `data` counts documents (unsigned), whose names must differ. */
int bedrock_part(const json_t *part, json_t *blocks, void *data, struct ein_error *err);
/* {"cachePoint": ...} behind a part or tool that is marked, where one is. */
int bedrock_cache(const json_t *marked, json_t *blocks, struct ein_error *err);

/* tools.c: "toolConfig" of the body, whose "messages" are there. */
int bedrock_tools(const struct ein_llm_call *call, json_t *body, struct ein_error *err);

/* fields.c: "additionalModelRequestFields", and what "inferenceConfig" must not say then. */
int bedrock_fields(const struct ein_llm_call *call, json_t *body, struct ein_error *err);

#endif
