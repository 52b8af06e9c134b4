/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "refused.h"
#include "vendor.h"

#define OLLAMA_WIRE "ollama" /* in replays */

/* An instance. */
struct ollama {
    struct vendor vendor;
    struct refused *refused; /* levels of thinking */
    const char *keep_alive;  /* "": as the server has it */
    size_t details_max;      /* models of the list that are asked for their details */
};

extern const struct ein_llm_provider ollama_provider;

/* ---- the request: pure functions ---- */

/* INVALID: a message is none that Ollama takes. */
int ollama_messages(const struct ein_llm_call *call, json_t **ret_messages, struct ein_error *err);

/* The body of /api/chat for `call`, which is of full size. */
int ollama_request(const struct ein_llm_call *call, const char *keep_alive, json_t **ret_body,
                   struct ein_error *err);

/* ---- the answer ---- */

struct ollama_reader {
    const struct vendor *vendor;
    struct vendor_sink sink;
    struct ein_llm_outcome *outcome;
    const char *secret; /* may be NULL */
    bool thinks;        /* a thought has begun and not ended */
    bool has_called;    /* a tool */
    bool no_levels;     /* the model is only told whether to think */
};

/* One line; VENDOR_END: it was the last. */
int ollama_read(struct ollama_reader *reader, const json_t *line, struct ein_error *err);
void ollama_classify(void *data, struct vendor_failure *failure);

/* ---- calls ---- */

/* GET, or POST `body`: the answer is handed to `call` as its framing says. */
int ollama_call(const struct ollama *ollama, struct vendor_call *call, const char *key,
                struct ein_llm_outcome *outcome, struct ein_error *err);

/* NULL: none is sent. */
int ollama_key(const struct ollama *ollama, const struct ein_llm_call *call, const char **ret_key,
               struct ein_llm_outcome *outcome, struct ein_error *err);

/* embed.c: embed() of llm_provider/1. */
int ollama_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err);

/* As ein_llm_provider.models. */
int ollama_models(void *impl, json_t **ret_models, struct ein_error *err);
/* The entry of the catalog for what /api/show says of a model; NULL: no memory. */
json_t *ollama_entry(const char *name, const json_t *shown);
