/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "cleanup.h"
#include "schemas.h"

#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>

/* What the plugins share that speak to vendors of models: one call, its deadlines, its errors.
 *
 * A plugin builds the request, and reads what comes back in callbacks that run on the caller's
 * thread.  Everything that can go wrong becomes one ein_llm_fault and one sentence that names the
 * vendor, says what it said, shortened, and holds no key. */

enum {
    VENDOR_DEPTH_MAX = 128,       /* of a vendor's JSON */
    VENDOR_ERROR_MAX = 64 * 1024, /* bytes of an error's body that are read */
    VENDOR_WORDS_MAX = 160,       /* bytes of the vendor's own words in a sentence */
    VENDOR_PIECE = 1024,          /* bytes of a stream read at a time: most events are shorter */
    VENDOR_HEADERS_MAX = 48,
    VENDOR_TOLD_MAX = 1000, /* pages and searches of an answer */
    VENDOR_RETRY_MAX_MS = 24 * 60 * 60 * 1000
};

/* Their memory is overwritten before it is freed. */
struct vendor_headers {
    char *lines[VENDOR_HEADERS_MAX + 1]; /* "Name: value", NULL-ended */
    size_t count;
};

/* An instance.  Lent until fini(). */
struct vendor {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *title;             /* "OpenAI", for people */
    const char *base_url;          /* without a '/' at the end, see vendor_init() */
    const char *own_key;           /* where a call brings none; NULL: none */
    struct vendor_headers headers; /* sent with every call */
    uint32_t connect_ms, first_byte_ms, idle_ms,
        total_ms;       /* where a call has none; 0: the server's */
    uint64_t reply_max; /* bytes of one reply */
    size_t event_max;   /* bytes of one event or line of it */
    uint32_t max_redirects;
};

/* The settings that every vendor's plugin has, members of its config_schema's "properties"; title,
 * base URL and name of the key are their defaults. */
/* clang-format off */
#define VENDOR_SETTINGS(title_, base_url_, key_) SCHEMA(                                             \
    "title" : { "type" : "string", "minLength" : 1, "default" : title_, "description" : "What errors call the vendor." }, \
    "base_url" : { "type" : "string", "default" : base_url_, "description" : "Where its API is." },  \
    "api_key_env" : { "type" : "string", "default" : key_, "description" : "The secret that is the key where a call brings none; empty: there is none." }, \
    "headers" : { "type" : "object", "additionalProperties" : { "type" : "string" }, "default" : {}, "description" : "Sent with every call." }, \
    "connect_ms" : { "type" : "integer", "minimum" : 0, "maximum" : 600000, "default" : 0, "description" : "To connect, where the caller does not say; 0: egress.connect_ms." }, \
    "first_byte_ms" : { "type" : "integer", "minimum" : 0, "maximum" : 3600000, "default" : 0, "description" : "Until an answer begins, likewise." }, \
    "idle_ms" : { "type" : "integer", "minimum" : 0, "maximum" : 3600000, "default" : 0, "description" : "Between two pieces of an answer, likewise." }, \
    "total_ms" : { "type" : "integer", "minimum" : 0, "maximum" : 86400000, "default" : 0, "description" : "For all of it, likewise." }, \
    "reply_max_bytes" : { "type" : "integer", "minimum" : 1024, "maximum" : 1073741824, "default" : 67108864, "description" : "Of one answer." }, \
    "event_max_bytes" : { "type" : "integer", "minimum" : 1024, "maximum" : 1073741824, "default" : 8388608, "description" : "Of one event of a stream." }, \
    "max_redirects" : { "type" : "integer", "minimum" : 0, "maximum" : 10, "default" : 0, "description" : "How many are followed." })
/* clang-format on */

/* Fills `vendor` from settings of these names.  INVALID: the base URL is none, a header cannot be
 * one. */
int vendor_init(struct vendor *vendor, const struct ein_host *host, struct ein_ctx *ctx,
                const json_t *settings, struct ein_error *err);
void vendor_done(struct vendor *vendor);

/* ---- headers ---- */

/* VALUE NULL or "": none is added.  INVALID: it cannot be one.  NO_MEMORY, TOO_LARGE. */
int vendor_header(struct vendor_headers *headers, const char *name, const char *value,
                  struct ein_error *err);
/* The same of Authorization with a bearer's token. */
int vendor_bearer(struct vendor_headers *headers, const char *token, struct ein_error *err);
void vendor_headers_done(struct vendor_headers *headers);
/* Puts them AT a place among lines, as long as they are there; returns the next one. */
const char **vendor_headers_lend(const struct vendor_headers *headers, const char **at);
#define EIN_VENDOR_HEADERS __attribute__((cleanup(vendor_headers_done)))

/* ---- a call ---- */

enum vendor_framing {
    VENDOR_JSON,  /* one JSON value: on_whole() */
    VENDOR_SSE,   /* on_event() */
    VENDOR_LINES, /* on_event(), of JSON lines; the event is NULL */
    VENDOR_BYTES  /* on_bytes() */
};

/* What callbacks return, beside 0 (go on) and negative errors, which end the call: they have set
 * `err` and outcome->fault, as vendor_fault() does. */
enum vendor_more {
    VENDOR_MAY_END = 1, /* a stream that ends here, or breaks off, is whole */
    VENDOR_END = 2,     /* it is whole; what follows is ignored */
    VENDOR_READ = 3     /* of on_text(): on_event() takes it */
};

/* An answer that is not 2xx, or an error in the middle of one. */
struct vendor_failure {
    int status;
    const json_t *headers; /* of lower-case names, may be NULL */
    const json_t *body;    /* JSON; NULL: it is something else */
    /* Filled in by the status and the headers; classify() may change them. */
    int fault;               /* enum ein_llm_fault */
    uint32_t retry_after_ms; /* 0: nothing was said */
    const char *words;       /* the vendor's own; lent by `body` */
};

struct vendor_call {
    const struct ein_llm_call *llm;       /* for deadlines and cancel; NULL: a call of our own */
    const char *path;                     /* after base_url, such as "/chat/completions" */
    const struct vendor_headers *headers; /* may be NULL */
    const char *accept;                   /* the line; NULL: of application/json */
    json_t **body;         /* POSTed, and given back (NULL) before the vendor is waited for;
                              NULL: GET, unless there is body_text */
    const char *body_text; /* instead, where it has to be signed */
    size_t body_len;
    const char *secret; /* the key, so that no error shows it; may be NULL */
    const char
        *id_header; /* lower-case, of the vendor's request id; NULL: x-request-id, request-id */
    const char *tokens_header; /* lower-case, of the tokens of the input; NULL: none says them */

    enum vendor_framing framing;
    /* Of SSE and LINES.  May take an event before it is read as JSON.  May be NULL. */
    int (*on_text)(void *data, const char *text, size_t len, struct ein_error *err);
    /* json NULL: the text "[DONE]".  SSE, LINES. */
    int (*on_event)(void *data, const char *event, json_t *json, struct ein_error *err);
    int (*on_bytes)(void *data, const void *piece, size_t len, struct ein_error *err); /* BYTES */
    /* JSON; and, if it is set, a whole JSON body of status 2xx that came instead of a stream: of
     * SSE whatever it is called, of others where it is application/json. */
    int (*on_whole)(void *data, json_t *json, struct ein_error *err);
    void (*classify)(void *data, struct vendor_failure *failure); /* may be NULL */
    void *data;
};

/* 0: whole.  Else negative, with outcome->fault: all callbacks were called in order, as far as the
 * answer came.  Fills vendor_status, vendor_request_id and retry_after_ms of the outcome, which is
 * of full size. */
int vendor_run(const struct vendor *vendor, const struct vendor_call *call,
               struct ein_llm_outcome *outcome, struct ein_error *err);

/* `body` as the bytes that vendor_run() would send; host->mem_free(). */
char *vendor_body(const struct vendor *vendor, const json_t *body, size_t *ret_len);

/* ---- what a call is made of ---- */

/* A table that may be shorter than ours: what is not there is zero. */
void vendor_read_call(const struct ein_llm_call *call, struct ein_llm_call *ret_call);
/* For what is asked in turn: its total_ms becomes what is left until UNTIL_MS, at least 1; 0
 * stays. */
void vendor_left(struct ein_llm_call *call, int64_t until_ms);
/* As much of the outcome as the caller has room for. */
void vendor_give_outcome(const struct ein_llm_outcome *outcome, struct ein_llm_outcome *ret);

/* A built-in tool in the words of WIRE, where it comes in them; NULL: it does not, though it may be
 * a "web_search". */
const json_t *vendor_own_tool(const json_t *tool, const char *wire);

/* Where somebody is who searches, as OpenAI and Anthropic are told; json_decref.  NULL: nobody
 * says. */
json_t *vendor_location(const json_t *search);

/* The key of the call, else the vendor's own.  DENIED, BAD_KEY: there is none, or it has characters
 * that none has. */
int vendor_key(const struct vendor *vendor, const struct ein_llm_call *call, const char **ret_key,
               struct ein_llm_outcome *outcome, struct ein_error *err);

/* ---- pieces ---- */

struct vendor_sink {
    ein_llm_sink *sink;
    void *data;
};
/* 0, or CANCELLED: the sink wants no more.  Text may be NULL, data may be NULL; "" and no data is
 * no piece. */
int vendor_piece(const struct vendor_sink *sink, int kind, const char *text, const json_t *data,
                 struct ein_error *err);
/* A tool call.  An id is made where there is none; arguments NULL: none; `replay` may be NULL.
 * Fails as OVERLOADED without a name, and where the arguments are not an object. */
int vendor_tool_object(const struct vendor *vendor, const struct vendor_sink *sink, const char *id,
                       const char *name, json_t *arguments, const json_t *replay,
                       struct ein_llm_outcome *outcome, struct ein_error *err);
/* The same with arguments as JSON text ("": none). */
int vendor_tool_call(const struct vendor *vendor, const struct vendor_sink *sink, const char *id,
                     const char *name, const char *arguments, struct ein_llm_outcome *outcome,
                     struct ein_error *err);

/* 1: KEY is new among those *told (may be NULL); 0: it is not, or they are too many. */
int vendor_note(json_t **told, const char *key, struct ein_error *err);
/* A page that is cited, {"url", "title"?, ...}: told once. */
int vendor_source(const struct vendor_sink *sink, json_t **told, json_t *take_source,
                  struct ein_error *err);
/* Ends a thought with what the vendor wants back: {"wire": WIRE, NAME: value}. */
int vendor_replay(const struct vendor_sink *sink, const char *wire, const char *name,
                  const json_t *value, struct ein_error *err);

/* Keeps a piece of what is not told before it is whole.  TOO_LARGE, OVERLOADED: it is more than
 * `block` takes. */
int vendor_keep(const struct vendor *vendor, struct buf *block, const char *text,
                struct ein_llm_outcome *outcome, struct ein_error *err);

/* ---- embeddings ---- */

/* The vectors of one call while they come, all of one length. */
struct vendor_vectors {
    const struct vendor *vendor;
    struct ein_llm_outcome *outcome; /* of full size, of those that are being asked for alone */
    size_t count, first, asked;      /* of all; of what is being asked for */
    size_t dimensions;               /* 0: none has come yet */
    float **rows;                    /* NULL: it has not come */
};

/* The vector of the input INDEX of those asked for: an array of numbers, or base64 of 32-bit ones
 * that begin with their lowest byte.  UNREACHABLE: it is none, or the input has one. */
int vendor_vector(struct vendor_vectors *vectors, size_t index, const json_t *vector,
                  struct ein_error *err);
/* The same of an array of them. */
int vendor_vector_all(struct vendor_vectors *vectors, const json_t *list, struct ein_error *err);

/* Asks for the vectors of call->inputs, which are so many that the vendor takes them at once. */
typedef int vendor_embed_fn(const void *self, const struct ein_llm_call *call,
                            struct vendor_vectors *vectors, struct ein_error *err);
struct vendor_embedding {
    const struct vendor *vendor;
    vendor_embed_fn *ask;
    const void *self;
    size_t at_once; /* inputs; 0: all */
    bool tokens;    /* are taken as they are */
};
/* As ein_llm_provider.embed: asks once or more often within the time of the call, and hands out
 * what came once all is there. */
int vendor_embed(const struct vendor_embedding *how, const struct ein_llm_call *call,
                 const struct vendor_sink *sink, struct ein_llm_outcome *ret_outcome,
                 struct ein_error *err);

/* ---- JSON and errors ---- */

/* Any JSON value, of bounded depth; json_decref.  Half characters, lone surrogates and NULs in
 * strings become U+FFFD.  NULL: it is none, or there is no memory. */
json_t *vendor_json(const char *text, size_t len);

/* Sets fault and err, returns its code: for what the vendor did, in our words. */
int vendor_fault(struct ein_llm_outcome *outcome, int fault, struct ein_error *err, const char *fmt,
                 ...) EIN_PRINTF(4, 5);
/* The same for an error that came inside an answer: "TITLE is overloaded (503): WORDS".  status 0:
 * none is told. */
int vendor_fail(const struct vendor *vendor, const struct vendor_failure *failure,
                const char *secret, struct ein_llm_outcome *outcome, struct ein_error *err);
/* The fault that a status means, where nothing else is known. */
int vendor_fault_of(int status);
/* What the headers ask for (retry-after-ms, retry-after in seconds or as a date); 0: nothing. */
uint32_t vendor_retry_after(const json_t *headers);

/* Into a member of the outcome; NULL or "" leaves it as it is. */
void vendor_copy(char *to, size_t size, const char *text);
/* A count: a number, or an integer in a string; else, or below 0, 0. */
uint64_t vendor_number(const json_t *value);
/* The same of a member. */
uint64_t vendor_count(const json_t *object, const char *name);
