/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vendor.h"

#define GEMINI_WIRE "gemini" /* in replays */

/* An instance. */
struct gemini {
    struct vendor vendor;
    const char *version; /* of the API: "v1beta" */
};

extern const struct ein_llm_provider gemini_provider;

/* "/v1beta/models/MODEL:VERB"; free(); NULL: no memory. */
char *gemini_path(const struct gemini *gemini, const char *model, const char *verb);

/* embed.c: embed() of llm_provider/1. */
int gemini_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err);

/* ---- the request: pure functions ---- */

/* The newer models are told a level to think at, and want their signatures back. */
bool gemini_thinks_by_level(const struct ein_llm_call *call);

/* *ret_contents is an array, *ret_system an array of parts or NULL.  INVALID: a message is none
 * that Gemini takes. */
int gemini_contents(const struct ein_llm_call *call, json_t **ret_contents, json_t **ret_system,
                    struct ein_error *err);

/* The body of generateContent for `call`, which is of full size. */
int gemini_request(const struct ein_llm_call *call, json_t **ret_body, struct ein_error *err);

/* ---- the answer ---- */

struct gemini_reader {
    const struct vendor *vendor;
    struct vendor_sink sink;
    struct ein_llm_outcome *outcome;
    const char *secret;
    json_t *cited;   /* {url: true}, and of searches {query: true} */
    bool by_query;   /* each query of a search is charged for, and not the whole answer once */
    bool has_called; /* a tool */
    bool has_said;   /* anything */
    char reason[48]; /* why it finished; "": it has not */
};
void gemini_reader_done(struct gemini_reader *reader);

/* One response, or an array of them.  VENDOR_MAY_END once there is a reason to. */
int gemini_read(struct gemini_reader *reader, const json_t *response, struct ein_error *err);
/* What the reason means, when all was read: 0, or a fault. */
int gemini_finish(struct gemini_reader *reader, struct ein_error *err);

/* Looks into a google.rpc.Status, which may be in an array. */
void gemini_classify(void *data, struct vendor_failure *failure);
