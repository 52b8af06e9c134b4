/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "refused.h"
#include "vendor.h"

enum openai_style { OPENAI_AUTO, OPENAI_CHAT, OPENAI_RESPONSES };

/* An instance: one vendor, or one server, that speaks OpenAI's formats. */
struct openai {
    struct vendor vendor;
    struct refused *refused; /* of what some accounts are not asked */
    const json_t *config;    /* lent until fini() */
    enum openai_style style;
    const char *chat_path, *responses_path, *models_path, *embeddings_path;
    const char *embeddings_format; /* in which they are asked for; "": as the server likes */
    const char *system_role, *max_tokens_name, *reasoning_summary;
    bool reasoning_is_object; /* "reasoning": {"effort"} also in chat completions */
    bool schema_is_format;    /* "response_format" also in responses */
    bool cache_control;       /* marks what is worth keeping */
    bool reasoning_content;   /* what a chat thought is sent back under that name */
    const char *key_header;   /* of the key, if not a bearer's; NULL */
    bool stream, stream_usage, takes_tools, needs_key, live_models;
};

extern const struct ein_llm_provider openai_provider;

/* From settings that fit the schema. */
int openai_init(struct openai *openai, const struct ein_host *host, struct ein_ctx *ctx,
                const json_t *config, struct ein_error *err);

/* The header that carries the key; key NULL: none. */
int openai_add_key(const struct openai *openai, const char *key, struct vendor_headers *headers,
                   struct ein_error *err);

/* All headers of a call, likewise. */
int openai_add_headers(const struct openai *openai, const char *key, struct vendor_headers *headers,
                       struct ein_error *err);
/* The key of a call; NULL where the server wants none. */
int openai_key(const struct openai *openai, const struct ein_llm_call *call, const char **ret_key,
               struct ein_llm_outcome *outcome, struct ein_error *err);

/* embed.c: embed() of llm_provider/1. */
int openai_embed(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err);

/* ---- a request ---- */

struct openai_request {
    const struct openai *openai;
    const struct ein_llm_call *call; /* of full size */
    enum openai_style style;         /* not AUTO */
    bool stream;
    bool unshown; /* no summary of its reasoning is asked for */
};

/* Which of the two formats the call is sent in, and whether the answer is to stream. */
void openai_request_init(struct openai_request *request, const struct openai *openai,
                         const struct ein_llm_call *call);
/* The body; json_decref.  INVALID: the server takes no tools, a message has a role that nobody
 * knows. */
int openai_request_body(const struct openai_request *request, json_t **ret_body,
                        struct ein_error *err);

/* Does the model reason?  Others refuse to be asked for what they thought, and to be told it. */
bool openai_reasons(const struct openai_request *request);
/* Adds what the parameters say.  NO_MEMORY. */
int openai_add_parameters(const struct openai_request *request, json_t *body);
/* Adds tools, tool_choice and the built-in ones. */
int openai_add_tools(const struct openai_request *request, json_t *body);
/* Adds the format that the reply must have. */
int openai_add_schema(const struct openai_request *request, json_t *body);
int openai_chat_add_messages(const struct openai_request *request, json_t *body,
                             struct ein_error *err);
int openai_responses_add_input(const struct openai_request *request, json_t *body,
                               struct ein_error *err);

/* A part of a user's message (or a tool's result) in the format of the request; NULL: no memory. */
json_t *openai_part(const struct openai_request *request, const json_t *part);
/* All the text of a content; json_decref. */
json_t *openai_text(const json_t *content);
/* The id of a tool call, or of its result, as long as it may be; json_decref. */
json_t *openai_call_id(const struct openai_request *request, const json_t *part);
/* The arguments of a tool call as text; json_decref. */
json_t *openai_arguments(const struct openai_request *request, const json_t *part);
/* A replay that this instance has made, or NULL. */
const json_t *openai_replay(const struct openai_request *request, const json_t *part);
bool openai_is_type(const json_t *object, const char *type);
/* Takes the reference.  NO_MEMORY also where it is NULL. */
int openai_put(json_t *object, const char *name, json_t *take_value);
int openai_append(json_t *array, json_t *take_value);

/* ---- the models ---- */

int openai_models(void *impl, json_t **ret_models, struct ein_error *err);
/* One entry of GET /models in the catalog's form; json_decref; NULL: it has no id. */
json_t *openai_model(const json_t *entry);
