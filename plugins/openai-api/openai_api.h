/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "answer.h"
#include "ask.h"

#include <einion/services.h>
#include <jansson.h>

/* One instance of the plugin: the `self` of its routes.  const after init. */
struct openai_api {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    struct ask_limits limits;
    struct ein_route *routes; /* with body_max as configured */
};

#define ANTHROPIC_PATH "/v1/messages"

/* The routes. */
ein_handler chat_completions, text_completions, anthropic_messages, responses_create,
    embeddings_create;               /* serve.c */
ein_handler anthropic_count;         /* count.c */
ein_handler models_list, models_get; /* models.c */

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

/* Headers of an answer (headers.c): what is known before its first piece, and at its end. */
void headers_begin(const struct openai_api *api, struct ein_req *req,
                   const struct ein_completion_outcome *outcome);
void headers_end(const struct openai_api *api, struct ein_req *req, const struct answer *answer);
