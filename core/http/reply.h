/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { REPLY_HEADERS_MAX = 64, REPLY_DETAIL_MAX = 4096 };

struct reply_header { /* in the request's arena */
    struct reply_header *next;
    const char *name, *value;
};

struct reply_cookie { /* the same */
    struct reply_cookie *next;
    const char *name, *value;
    int64_t max_age_s;
    uint32_t flags;
};

struct reply {
    int status;       /* 0: nobody has replied */
    char *body;       /* heap; NULL: none */
    size_t len;       /* of the body */
    const char *type; /* NULL: no Content-Type, or one among the headers */
    struct reply_header *headers;
    struct reply_cookie *cookies;
    size_t count; /* of headers and cookies */
    bool close;   /* the connection, after this reply */
    bool sent;    /* the first piece of a stream has gone: nothing may change any more */
};

/* ---- struct ein_http, in its order; see einion/plugin.h ---- */
int reply_json(struct ein_req *req, int status, json_t *take_body);
int reply_bytes(struct ein_req *req, int status, const char *type, const void *data, size_t len);
int reply_redirect(struct ein_req *req, int status, const char *location);
int reply_fail(struct ein_req *req, int status, const char *fmt, ...) EIN_PRINTF(3, 4);
int reply_fail_json(struct ein_req *req, int status, json_t *take_detail);
int reply_fail_error(struct ein_req *req, const struct ein_error *err);
int reply_set_header(struct ein_req *req, const char *name, const char *value);
int reply_set_cookie(struct ein_req *req, const char *name, const char *value, int64_t max_age_s,
                     uint32_t flags);

/* reply_fail(), and false: for steps of the data path, after which there is no other. */
bool reply_refuse(struct ein_req *req, int status, const char *fmt, ...) EIN_PRINTF(3, 4);

/* For the server's own headers, known to be well-formed; value is lent for the request's life. */
void reply_add_header(struct ein_req *req, const char *name, const char *value);
const char *reply_header(const struct ein_req *req, const char *name); /* or NULL */

/* Makes sure that there is a reply: `result` is what the handler returned. */
void reply_settle(struct ein_req *req, int result);
/* What every reply has at its end: 304, no body where there is none, WWW-Authenticate,
 * Retry-After. */
void reply_finish(struct ein_req *req);
