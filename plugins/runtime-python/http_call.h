/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_HTTP_CALL_H
#define RUNTIME_HTTP_CALL_H

#include "run.h"

/* Starts an HTTP request for `agent`; answers it at once when it is not a proper one. */
void http_call(struct agent *agent, int64_t call_id, const struct json_t *params, const void *body,
               size_t body_len);

#endif
