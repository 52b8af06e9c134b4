/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

/* Calls of 2025 that run: they go on when their client is gone, and end when it says so. */

struct running_call { /* lives on the stack of its thread */
    struct running_call *next;
    const char *uid, *session; /* session NULL: the client has none */
    const json_t *id;          /* of the request */
    struct ein_cancel *left;   /* fires when the client has left, or the server has waited enough */
    struct ein_cancel *cancel;
};

struct running {
    const struct ein_host *host;
    pthread_mutex_t lock;
    struct running_call *first; /* guarded by lock */
    bool stopping;              /* likewise */
};

void running_init(struct running *running, const struct ein_host *host);
void running_done(struct running *running);

/* Its `cancel` is made; running_leave() drops it.  NO_MEMORY, UNAVAILABLE: the server stops. */
int running_enter(struct running *running, struct ein_ctx *ctx, struct running_call *call,
                  struct ein_error *err);
void running_leave(struct running *running, struct running_call *call);

bool running_any(struct running *running);
/* Cancels the user's calls of that session with this id; id NULL: all of them. */
void running_cancel(struct running *running, const char *uid, const char *session,
                    const json_t *id);
/* The server stops: cancels those for which it has waited enough. */
void running_sweep(struct running *running);
/* Cancels all there are, and all that come. */
void running_stop(struct running *running);
