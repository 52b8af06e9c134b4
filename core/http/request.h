/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "arena.h"
#include "cancel.h"
#include "reply.h"
#include "router.h"
#include "settings.h"
#include "watch.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_ID_SIZE = 33,                 /* one that we make, with the NUL */
    REQUEST_ID_MAX = 128,                 /* one that the client sends */
    REQUEST_ARENA_FIRST = 768,            /* bytes that cost nothing beyond the request itself */
    REQUEST_ARENA_MAX = 64 * 1024 * 1024, /* for a handler that calls alloc() */
    TRACE_ID_SIZE = 33
};

struct http;
struct once;
struct stream;

/* What has been received.  Lent for the life of the request. */
struct head {
    const char *method, *target; /* as sent: path and query, percent-encoded */
    const char *version;         /* "HTTP/1.1" */
    char *const *names, *const *values;
    size_t count; /* of headers */
    const void *body;
    size_t body_len;
    bool body_cut;     /* there was more of it than anyone may send */
    const char *fault; /* what else was wrong with the head; NULL: nothing */
    const char *client_addr;
    int fd; /* the connection; -1: none */
};

/* The headers that the server itself looks at. */
enum known_header {
    HEADER_HOST,
    HEADER_ORIGIN,
    HEADER_REQUEST_ID,
    HEADER_TRACEPARENT,
    HEADER_FETCH_SITE,
    HEADER_FETCH_MODE,
    HEADER_ACCEPT,
    HEADER_IF_NONE_MATCH,
    HEADER_COOKIE,
    HEADER_CONTENT_LENGTH,
    HEADER_TRANSFER_ENCODING,
    HEADER_KNOWN
};

/* One request and its reply.  It belongs to the connection's thread. */
struct ein_req {
    struct http *http;
    const struct settings *settings;
    struct head head;
    const char *known[HEADER_KNOWN]; /* NULL: not sent */
    size_t header_bytes;
    int64_t start_us;

    const char *path; /* path_len bytes, not NUL-ended */
    size_t path_len;
    const char *query_text;  /* NULL: none */
    bool other_host;         /* the target names a host that the Host header does not */
    bool bad_name;           /* there is a header without a proper name */
    bool bad_value;          /* there is one with a control character */
    const char *client_addr; /* as far as is known: behind a trusted proxy, whom that saw */
    bool is_https;           /* so does the client see this server */
    bool wrong_login;        /* it came with a credential that was refused */
    char *path_text;         /* NULL until a copy was needed */
    const char *id;
    char made_id[REQUEST_ID_SIZE];
    char trace_id[TRACE_ID_SIZE]; /* "" until asked for */

    const struct route *route; /* NULL: none matched; its gate is held */
    struct path_params params;
    json_t *query, *body; /* NULL until asked for, or parsed */
    json_t *claims;
    const struct ein_identity *identity;

    struct reply reply;
    const char *said;      /* what a reply that refuses says; NULL: nothing */
    bool is_shaped;        /* an error_shape/1 is at its error */
    struct ein_span *span; /* NULL: nobody records it */
    struct stream *stream; /* while the handler of a stream runs */
    struct once *once;     /* while the handler of one with an Idempotency-Key runs */
    pthread_mutex_t cancel_lock;
    bool has_cancel; /* guarded by cancel_lock */
    struct ein_cancel cancel;
    struct watch_entry watch;

    struct arena arena;
    _Alignas(max_align_t) char first[REQUEST_ARENA_FIRST];
};

/* In storage of the caller's.  head is copied, what it points to is lent. */
void request_init(struct ein_req *req, struct http *http, const struct head *head);
void request_done(struct ein_req *req);

/* What makes the head ambiguous to somebody before or behind this server; NULL: nothing. */
const char *request_head_fault(const struct ein_req *req);

/* Parses the query; EIN_E_INVALID: a bad escape, a NUL, or not UTF-8. */
int request_parse_query(struct ein_req *req);

/* The client's traceparent; NULL: it has sent none, or one that is out of order. */
const char *request_traceparent(const struct ein_req *req);

/* After the handler, of a body that has held secrets. */
void request_wipe_body(struct ein_req *req);
/* After the handler: nobody fires the request's token any more, and it is gone. */
void request_drop_cancel(struct ein_req *req);

/* ---- struct ein_http, in its order; see einion/plugin.h ---- */
const char *request_method(const struct ein_req *req);
const char *request_path(const struct ein_req *req);
const char *request_path_param(const struct ein_req *req, const char *name);
const char *request_header(const struct ein_req *req, const char *name);
const char *request_cookie(const struct ein_req *req, const char *name);
const json_t *request_query(const struct ein_req *req);
const json_t *request_body(const struct ein_req *req);
const void *request_raw_body(const struct ein_req *req, size_t *ret_len);
const struct ein_identity *request_identity(const struct ein_req *req);
const char *request_client_addr(const struct ein_req *req);
const char *request_id(const struct ein_req *req);
const char *request_trace_id(const struct ein_req *req);
void *request_alloc(struct ein_req *req, size_t size);
uint32_t request_left_ms(const struct ein_req *req);
struct ein_cancel *request_cancel(struct ein_req *req);
const char *request_origin(const struct ein_req *req);
int request_navigates(const struct ein_req *req);
void request_log(const struct ein_req *req, int level, const char *fmt, ...) EIN_PRINTF(3, 4);
