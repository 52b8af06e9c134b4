/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vendor.h"

/* One instance of the plugin, the impl of its llm_provider/1.  const after init. */
struct bedrock {
    struct vendor vendor;
    json_t *settings; /* those of the instance, with the base URL that follows from its region */
    const char *region, *service; /* of signatures; lent by the settings */
    char *host, *path;            /* of the base URL: as the Host header has it; "", "/prefix" */
    int64_t max_tokens;           /* where neither the caller nor the catalog says */
    const char *key_id, *key, *token; /* secrets that sign; each may be NULL */
};

/* complete.c: as llm_provider/1 has it. */
int bedrock_complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                     struct ein_llm_outcome *ret_outcome, struct ein_error *err);

/* embed.c: embed() of it. */
int bedrock_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                  struct ein_llm_outcome *ret_outcome, struct ein_error *err);

/* endpoint.c: host and path from the base URL, the base URL from the region. */
int bedrock_endpoint(struct bedrock *bedrock, struct ein_error *err);
char *bedrock_base_url(const char *region); /* free(); NULL: no memory */
