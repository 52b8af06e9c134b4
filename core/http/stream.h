/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stddef.h>

enum { STREAM_EVENT_MAX = 64 * 1024 * 1024 };

/* A reply in pieces, which its handler writes to the connection itself. */
struct stream;

/* ---- struct ein_http; while the handler runs, any thread ---- */
int stream_send_event(struct ein_req *req, const char *id, const char *event, json_t *take_data);
int stream_send_bytes(struct ein_req *req, const void *data, size_t len);
int stream_beat_early(struct ein_req *req, int on);

/* Runs `call`, the handler; *ret_result is what it returned.  If it sent a piece, req->reply.sent
 * is set, and nothing more can be written to the connection afterwards.  In silence there are
 * heartbeats.  EIN_E_BUSY: as many streams as may run already do. */
int stream_run(struct ein_req *req, int (*call)(struct ein_req *req), int *ret_result);
