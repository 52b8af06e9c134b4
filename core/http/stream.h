/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_H
#define STREAM_H

#include <einion/plugin.h>
#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

/* A bounded queue of bytes between a handler, on a thread of its own, and the thread of the
 * connection. */
struct stream;
struct pipeline;

/* ---- struct ein_http; the thread of the handler ---- */
int stream_send_event(struct ein_req *req, const char *id, const char *event, json_t *take_data);
int stream_send_bytes(struct ein_req *req, const void *data, size_t len);

/* ---- the thread of the connection ---- */
/* Starts the handler; returns when it has sent its first piece, or has returned without one.
 * EIN_E_BUSY: as many streams as may run already do. */
int stream_open(struct ein_req *req);
/* Up to `size` bytes, at least one; a heartbeat in silence.  0: the end. */
ssize_t stream_pull(struct stream *stream, char *out, size_t size);
/* Tells the handler that nobody listens any more, and waits until it has returned. */
void stream_close(struct ein_req *req);

#endif
