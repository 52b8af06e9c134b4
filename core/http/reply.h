/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLY_H
#define REPLY_H

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct reply_header { /* in the request's arena */
    struct reply_header *next;
    const char *name, *value;
};

struct reply {
    int status; /* 0: nobody has replied */
    char *body; /* heap; NULL: none */
    size_t len;
    struct reply_header *headers;
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

const char *reply_header(const struct ein_req *req, const char *name); /* or NULL */

/* What every reply has at its end: a handler's silence becomes an error, 304, HEAD, lengths.
 * `result` is what the handler returned. */
void reply_finish(struct ein_req *req, int result);

#endif
