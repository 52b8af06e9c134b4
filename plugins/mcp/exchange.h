/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "mcp.h"
#include "sse.h"
#include "vendor.h"

/* One HTTP exchange with a server, and the messages that come in its answer. */

struct exchange {
    struct talk *talk;
    json_int_t id;    /* of our request; 0: none is waited for */
    bool stream_only; /* a GET: what is no stream is no answer */
    /* An event that is no message, as of the stream of 2024-11-05; non-zero ends it.  May be
     * NULL. */
    int (*on_event)(void *data, const char *event, const char *text, struct ein_error *err);
    /* Takes the answer instead of keeping it: 0: go on, 1: that was all.  May be NULL. */
    int (*on_answer)(void *data, json_t *message, struct ein_error *err);
    /* Answers a request of the server.  NULL: it is answered at the call's own address. */
    void (*on_request)(void *data, const json_t *request);
    void *data;

    /* What came: */
    int status;
    json_t *message; /* the answer to our request, or NULL */
    char session[PEER_SESSION_SIZE];
    char last_id[SSE_ID_SIZE]; /* of the last event; "": none had one */
    uint32_t retry_ms;
    bool is_stream;
    bool is_other;   /* messages came, none of which was ours */
    bool is_garbled; /* neither JSON nor a stream */
    bool broke;      /* off; `why` says of what */
    struct ein_error why;

    /* Inside: */
    struct sse sse;
    struct buf body;
    struct ein_error *err;
    int r; /* what we ended the transfer with */
    bool ended;
};
void exchange_done(struct exchange *exchange);

/* Headers of every request: token, version, session.  `method` and `name` are those of
 * 2026-07-28, NULL: none. */
int exchange_headers(const struct talk *talk, struct vendor_headers *headers, const char *method,
                     const char *name, struct ein_error *err);

/* POSTs the message, or GETs where it is NULL.  `url` NULL: the call's own.
 * 0: the server answered, look at what came; negative: there is no answer to be had. */
int exchange_run(struct exchange *exchange, const char *url, const struct vendor_headers *headers,
                 const json_t *message, struct ein_error *err);

void notices_init(struct notices *notices);
void notices_done(struct notices *notices);
/* POSTs and does not wait: a notification, or (message NULL) DELETE.  For `key` see peers.h. */
void exchange_notice(struct mcp *mcp, const char *key, const struct peer_state *state,
                     const json_t *message);

/* Negative, with a sentence, for an answer that is none of ours to use. */
int exchange_refused(const struct exchange *exchange, struct ein_error *err);
/* Likewise for a JSON-RPC error. */
int exchange_failed(const struct talk *talk, const json_t *message, struct ein_error *err);
