/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "answer.h"
#include "ask.h"
#include "kept.h"

#include <einion/services.h>
#include <jansson.h>

/* One instance of the plugin: the `self` of its routes.  const after init. */
struct openai_api {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct ask_limits limits;
    uint32_t chain_bytes, keep_days, spare_mib, sweep_ms; /* of responses */
    struct ein_route *routes;                             /* with body_max as configured */
};

#define ANTHROPIC_PATH "/v1/messages"

/* The routes. */
ein_handler chat_completions, text_completions, anthropic_messages, responses_create,
    embeddings_create;                                              /* serve.c */
ein_handler anthropic_count;                                        /* count.c */
ein_handler models_list, models_get;                                /* models.c */
ein_handler responses_get, responses_delete, responses_input_items; /* kept_routes.c */

/* error_shape/1 (shape.c).  A detail that is an object is one of fail_with(). */
json_t *shape_error(void *impl, struct ein_req *req, int *status, const json_t *detail);
int fail_with(const struct openai_api *api, struct ein_req *req, const struct wrong *wrong);
int fail_flaw(const struct openai_api *api, struct ein_req *req, int r, const struct flaw *flaw);
/* Does who asks expect Anthropic's objects? */
bool is_anthropic(const struct ein_http *http, const struct ein_req *req);

/* What the body asks for, of which `ask` keeps what it needs: the body itself would take memory for
 * as long as the answer takes.  False: it has been replied to.  ask_done() in any case. */
bool read_ask(const struct openai_api *api, struct ein_req *req, ask_fn *read, struct ask *ask,
              int *ret_status);

/* What whoever asks may see of other people's agents, for completion/1; json_decref.  NULL: nothing
 * is asked of it, or no memory. */
json_t *visible_to(const struct openai_api *api, const struct ein_req *req);

/* ---- responses that are kept (kept.c) ---- */

#define RESPONSE_SET "responses"

/* Reads what BODY goes on from, and puts items in the place of references to them; `api`, `uid` and
 * `ask` of KEPT are set.  INVALID with a flaw, or another error.  kept_done() in any case. */
int kept_begin(struct kept *kept, json_t *body, struct flaw *flaw);
void kept_done(struct kept *kept);
/* The document of a response of the user's; NOT_FOUND, without a word, also for other people's. */
int kept_get(const struct openai_api *api, const char *uid, const char *id, json_t **ret_doc,
             struct ein_error *err);
/* Appends the documents of the responses before the only one in CHAIN, newest first.  NOT_FOUND,
 * with those that are newer: *ret_missing, lent by them, is not there. */
int kept_chain(const struct openai_api *api, json_t *chain, const char **ret_missing,
               struct ein_error *err);
/* Appends the items of the documents from the last one to that at NEWEST. */
int kept_items(const json_t *chain, size_t newest, json_t *items);
extern const struct ein_erasure kept_erasure;
void kept_sweep(void *api); /* a timer's: those that are due */

/* Headers of an answer (headers.c): what is known before its first piece, and at its end. */
void headers_begin(const struct openai_api *api, struct ein_req *req,
                   const struct ein_completion_outcome *outcome);
void headers_end(const struct openai_api *api, struct ein_req *req, const struct answer *answer);
