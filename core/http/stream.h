/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_H
#define STREAM_H

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STREAM_EVENT_MAX = 64 * 1024 * 1024 };

/* A bounded queue of bytes between a handler, on a thread of its own, and the thread of the
 * connection. */
struct stream;

/* ---- struct ein_http; the thread of the handler ---- */
int stream_send_event(struct ein_req *req, const char *id, const char *event, json_t *take_data);
int stream_send_bytes(struct ein_req *req, const void *data, size_t len);

/* ---- the thread of the connection ---- */

/* Runs the route's handler on a thread of its own; returns when it has sent its first piece
 * (req->stream is there) or has replied without one (req->stream is NULL, *ret_result is what it
 * returned).  EIN_E_BUSY: as many streams as may run already do. */
int stream_open(struct ein_req *req, int *ret_result);

/* Up to `size` bytes, at least one; a heartbeat in silence.  0: the end. */
ssize_t stream_pull(struct stream *stream, char *out, size_t size);

/* Tells the handler that nobody listens any more, waits until it has returned, and frees.  The
 * number of bytes that were pulled. */
size_t stream_close(struct ein_req *req);

#endif
