/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "live.h"
#include "workers.h"
#include <einion/services.h>
#include <stddef.h>

#define TICKET_SET "tickets"         /* where each stands: small, and read often; see ticket.h */
#define ASKED_SET  "ticket_requests" /* what each asks: `_id` is the ticket's */
#define KEY_SET    "ticket_keys"     /* Idempotency-Keys: {"ticketId", "endsAt"} */

/* One instance of the plugin: the `self` of its routes. */
struct chat {
    const struct ein_host *host;
    struct ein_ctx *ctx;

    /* Settings; const after init. */
    unsigned workers_max;
    int64_t queue_max, user_max, attempts_max;
    int64_t lease_ms, poll_ms, ticket_ms, keep_ms, drain_ms, wait_max_ms;
    uint32_t sweep_ms;
    size_t messages_max, request_max, answer_max; /* the last two: bytes */

    struct lives lives;
    struct workers workers;
};

ein_handler chat_ask;    /* post.c */
ein_handler chat_get;    /* get.c */
ein_handler chat_cancel; /* cancel.c */

extern const struct ein_erasure chat_erasure; /* sweep.c */

/* Deletes tickets that were kept long enough, and ends those whose time is over (sweep.c).  A job
 * of the host's; `data` is the chat. */
void chat_sweep(void *data);
