/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct ein_req;
struct head;
struct http;

/* The data path of every request: from the parsed head to a finished reply, or to a stream that
 * has been sent. */
void pipeline_run(struct ein_req *req);

/* How long the body of such a request may be: of HEAD, the request line is enough. */
size_t pipeline_body_max(struct http *http, const struct head *head);
