/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP request as an agent writes it, in the form that the server sends. */
#pragma once

#include "settings.h"

#include <stdbool.h>

enum { HTTP_HEADERS_MAX = 128 };

struct http_request {
    char *method, *url, *headers[HTTP_HEADERS_MAX + 2]; /* NULL-ended; one may be added */
    bool in_pieces;                                     /* its body follows */
    uint32_t connect_ms, read_ms, total_ms;
};

/* PARAMS: {"method", "url", "headers": [[name, value]], "timeout": {"connect", "read"}, "more":
 * the body comes in pieces, "length": of all of it}.  INVALID: not a proper request. */
int http_request_read(const struct json_t *params, const struct limits *limits,
                      struct http_request *ret_request, struct ein_error *err);
void http_request_done(struct http_request *request);
