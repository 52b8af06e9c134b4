/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client_url.h"
#include <einion/plugin.h>
#include <jansson.h>

struct lines;
struct egress;
struct trust;

/* One request and its reply: one hop of a fetch, on the thread of its caller.  Everything is lent
 * until transfer_run() returns. */
struct transfer {
    const struct client_url *url;
    const char *method;
    const char *const *headers; /* checked, NULL-ended */
    const char *proxy;          /* may be NULL, and so may */
    const char *no_proxy;       /* the hosts that are reached without it, as curl lists them */
    struct trust *trust;
    const struct egress *egress; /* NULL: every address */
    bool host_allowed;

    const void *body; /* may be NULL */
    size_t body_len;
    int64_t (*on_send)(void *data, void *piece, size_t size); /* instead of body; or NULL */
    int64_t send_len;                                         /* of on_send; -1: unknown */
    bool decode; /* ask for compression and undo it; max_bytes counts what comes out */

    uint32_t connect_ms, first_byte_ms, idle_ms;
    uint32_t linger_ms; /* for the reply to end when on_data has enough */
    uint32_t finish_ms; /* without a piece after what may be its end */
    uint32_t line_ms;   /* a connection that nobody uses is not used again after this long */
    int64_t until_ms;   /* clock_mono_ms() at which the whole fetch is late */
    uint64_t max_bytes;
    uint32_t piece;            /* bytes read at a time */
    struct ein_cancel *cancel; /* may be NULL */

    /* Negative: the error that transfer_run() returns.  Positive: enough, success; of on_data
     * EIN_FETCH_ENOUGH waits for the end first, and EIN_FETCH_MAY_END for more. */
    int (*on_head)(void *data, int status, json_t *headers, struct ein_error *err);
    int (*on_data)(void *data, const void *piece, size_t len, struct ein_error *err);
    void *data;      /* of on_head and on_data */
    void *send_data; /* of on_send */
};

int transfer_run(struct lines *lines, const struct transfer *transfer, struct ein_error *err);
