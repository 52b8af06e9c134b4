/* SPDX-License-Identifier: Apache-2.0 */
/* An answer in the form that its client expects: pieces of completion/1 in, JSON text out. */
#pragma once

#include "ask.h"
#include "out.h"

#include <einion/services.h>

enum { ANSWER_ID_SIZE = 48 };

enum block { BLOCK_NONE, BLOCK_TEXT, BLOCK_THINKING };

struct answer {
    const struct ask *ask;
    const struct ein_completion_outcome *outcome; /* as far as it is known by now */
    const char *request_id;
    char id[ANSWER_ID_SIZE];
    int64_t created; /* seconds */

    struct buf out; /* streams: what is to be sent next; else the whole, at the end */

    /* The form's own. */
    struct buf head; /* chat: what all chunks of a stream begin with */
    struct buf text, thought, thoughts, details, calls, sources;
    size_t count;  /* calls of tools, or blocks */
    size_t thinks; /* thoughts that are to be replayed; responses: annotations */
    size_t events; /* responses: so far */
    json_t *held;  /* anthropic: the data of a thought, which goes before what comes next */
    size_t length; /* characters of text, so far */
    enum block open;
    bool begun;
};

/* What went wrong, in the words of the client's API. */
struct wrong {
    int status;
    const char *text, *code, *param; /* the last two may be NULL */
};

struct form {
    const char *id_prefix;
    void (*piece)(struct answer *answer, const struct ein_llm_piece *piece);
    void (*end)(struct answer *answer);
    /* Streams only: it broke off after it began. */
    void (*fail)(struct answer *answer, const struct wrong *wrong);
};
extern const struct form chat_whole, chat_stream, completions_whole, completions_stream,
    anthropic_whole, anthropic_stream, responses_whole, responses_stream, embeddings_whole;

void answer_begin(struct answer *answer, const struct form *form, const struct ask *ask,
                  const struct ein_completion_outcome *outcome, const char *request_id);
void answer_done(struct answer *answer);

/* ---- what the forms share ---- */

void answer_model(const struct answer *answer, struct buf *out); /* "provider/model", as a string */
/* "einion": {...}: what no vendor says: provider, attempts, overhead, notes. */
void answer_facts(const struct answer *answer, struct buf *out);
bool answer_has_replay(const json_t *data);
/* A call's or a thought's "replay" as a string; nothing: there is none. */
void answer_replay(struct buf *out, const char *before, const json_t *data, const char *after);

/* A call's "replay" as a thought's, {"replay"}, to go before it: clients keep of a call what they
 * know, and of a thought whatever its vendor wants back.  json_decref; NULL: there is none. */
json_t *answer_call_thought(struct answer *answer, const json_t *call);

/* "start_index" and "end_index" of what cites: as it is told, or where the text ends by now. */
void answer_range(const struct answer *answer, struct buf *out, const json_t *source);

/* Is the tool of this call a custom one? */
bool answer_is_custom(const struct answer *answer, const json_t *call);
/* What it is given, as the inside of a string: its input, or else the arguments. */
void answer_given(struct buf *out, bool custom, const json_t *call);

/* OpenAI's objects begin alike, and so do its older streams end: with their usage, if it is wanted.
 */
void chat_head(const struct answer *answer, const char *object, struct buf *out);
void chat_chunk(struct answer *answer, const char *object);
void chat_stream_end(struct answer *answer, const char *object);
void chat_stream_fail(struct answer *answer, const struct wrong *wrong);

void chat_usage(const struct answer *answer, struct buf *out);      /* "usage": {...} */
void anthropic_usage(const struct answer *answer, struct buf *out); /* the same */

/* {"error": {...}} and {"type": "error", ...}, as text and as JSON; by the status where there is
 * no code. */
json_t *chat_error(const struct wrong *wrong);
json_t *anthropic_error(const struct wrong *wrong, const char *request_id);
