/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REQUEST_H
#define REQUEST_H

#include "arena.h"
#include "reply.h"
#include "router.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_ID_SIZE = 36,      /* one that we make, with the NUL */
    REQUEST_ID_MAX = 128,      /* one that the client sends */
    REQUEST_ARENA_FIRST = 2048 /* bytes that cost nothing beyond the request itself */
};

struct identity;
struct pipeline;
struct stream;
struct watch_entry;

/* What has been received.  Lent for the life of the request. */
struct head {
    const char *method, *target; /* as sent: path and query, percent-encoded */
    const char *version;         /* "HTTP/1.1" */
    char *const *names, *const *values;
    size_t count; /* of headers */
    const void *body;
    size_t body_len;
    const char *client_addr;
    int fd; /* the connection; -1 in tests without one */
};

/* One request and its reply.  It belongs to the connection's thread; while a stream's handler
 * runs, to the thread of that handler. */
struct ein_req {
    struct pipeline *pipeline;
    const struct settings *settings;
    struct head head;
    int64_t start_us;

    const char *path, *query_text; /* path_len bytes of the target; query_text may be NULL */
    size_t path_len;
    char *path_copy;
    const char *id;
    char made_id[REQUEST_ID_SIZE];
    char trace_id[33], span_id[17]; /* "" until asked for */

    const struct route *route; /* NULL: none matched; its gate is held */
    struct params params;
    json_t *query, *body; /* NULL until asked for, or parsed */
    const struct ein_identity *identity;

    struct reply reply;
    struct stream *stream; /* NULL unless the route has EIN_ROUTE_EVENTS */
    struct watch_entry *watch;

    struct arena arena;
    _Alignas(max_align_t) char first[REQUEST_ARENA_FIRST];
};

/* head is copied, what it points to is lent. */
struct ein_req *request_new(struct pipeline *pipeline, const struct head *head);
void request_free(struct ein_req *req);

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
void request_log(const struct ein_req *req, int level, const char *fmt, ...) EIN_PRINTF(3, 4);

#endif
