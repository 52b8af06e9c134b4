/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run.h"

/* Starts an HTTP request for `agent`; answers it at once when it is not a proper one.  PARAMS: see
 * http_request.h; `body` is all of its body, or the first of it.
 *
 * The answer is {"status", "headers", "more"} and, where there is more, frames {"t": "piece", "id",
 * "last"} with the rest of the body, or an error in the place of the last.  A process says {"t":
 * "used", "id", "n"} when it has used so many bytes of it, and sends {"t": "body", "id", "last"}
 * with more of its own; the server says "used" of that. */
void http_call(struct agent *agent, int64_t call_id, const struct json_t *params, const void *body,
               size_t body_len);
