/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "chunk.h"
#include "details.h"
#include "openai.h"
#include "tool_calls.h"

/* An answer while it comes. */
struct openai_reply {
    const struct openai *openai;
    struct vendor_sink sink;
    const char *secret; /* the key, which no error shows; may be NULL */
    struct ein_llm_outcome *outcome;
    struct tool_calls calls;
    struct details details; /* chat: reasoning_details */
    struct buf thought;     /* chat, where it is sent back as text */
    struct chunk last;      /* chat */
    json_t *sources;        /* object: the URLs that were given, and ids of searches */
    bool has_calls, has_text, has_thought, refused, finished;
    bool no_stream, no_summary; /* are for accounts that have proved who they are */
};

void openai_reply_init(struct openai_reply *reply, const struct openai *openai,
                       const struct vendor_sink *sink, const char *secret,
                       struct ein_llm_outcome *outcome);
void openai_reply_done(struct openai_reply *reply);

/* Callbacks of a vendor_call whose data is the reply. */
int openai_chat_text(void *data, const char *text, size_t len, struct ein_error *err);
int openai_chat_event(void *data, const char *event, json_t *json, struct ein_error *err);
int openai_chat_whole(void *data, json_t *json, struct ein_error *err);
/* What is still to be given when the stream has ended well. */
int openai_chat_end(struct openai_reply *reply, struct ein_error *err);
int openai_responses_event(void *data, const char *event, json_t *json, struct ein_error *err);
int openai_responses_whole(void *data, json_t *json, struct ein_error *err);
void openai_classify(void *data, struct vendor_failure *failure);

/* ---- parts of it ---- */

int openai_give_text(struct openai_reply *reply, const json_t *text, struct ein_error *err);
int openai_give_refusal(struct openai_reply *reply, const json_t *text, struct ein_error *err);
int openai_give_thought(struct openai_reply *reply, const json_t *text, struct ein_error *err);
int openai_give_call(struct openai_reply *reply, const char *id, const char *name,
                     const char *arguments, struct ein_error *err);
/* {"url", "title"} or a URL, or an array of them; each URL once. */
int openai_give_sources(struct openai_reply *reply, const json_t *sources, struct ein_error *err);
void openai_stop(const struct openai_reply *reply, const char *reason);
/* The vendor's id of the answer, where no header told one; and the model. */
void openai_take_names(const struct openai_reply *reply, const json_t *id, const json_t *model);
/* Tokens and cost, of either format. */
void openai_take_usage(struct ein_llm_outcome *outcome, const json_t *usage);
/* The same of a chunk: the tokens alone, without their JSON. */
void openai_take_counts(struct ein_llm_outcome *outcome, const struct json_found *told);

/* An error inside an answer: an object with "error", or itself one. */
int openai_fail(struct openai_reply *reply, const json_t *body, struct ein_error *err);
int openai_garbled(struct openai_reply *reply, struct ein_error *err);
