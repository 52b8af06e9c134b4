/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* AWS Signature Version 4 of a POST of JSON. */
struct sign_keys {
    const char *id, *secret, *token; /* token: of temporary keys, else NULL */
};

struct sign_request {
    const char *service, *region;
    const char *host; /* as the Host header has it */
    const char *path; /* as it is sent: percent-encoded once; no query */
    const void *body;
    size_t body_len;
    int64_t time_ms; /* since the epoch */
};

enum { SIGN_DATE_SIZE = 17 }; /* "20261126T140559Z" */

struct signature {
    char date[SIGN_DATE_SIZE]; /* x-amz-date */
    char *authorization;       /* free() */
};

/* The headers that are signed: content-type (application/json), host, x-amz-date, and
 * x-amz-security-token where there is a token. */
int sign(const struct sign_keys *keys, const struct sign_request *request,
         struct signature *ret_signature, struct ein_error *err);
