/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

struct buf;

/* The head of a reply in pieces, as libmicrohttpd and ulfius write the others. */

/* Whether the client knows chunks: without them the end of the connection is that of the reply. */
bool stream_head_may_chunk(const struct ein_req *req);
/* Status 200, and what a stream of events has; true: it is one. */
bool stream_head_set(struct ein_req *req);
int stream_head_text(const struct ein_req *req, bool chunked, struct buf *out);
