/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that run now, to wake them when the plugin is taken away. */
#pragma once

#include "list.h"

#include <einion/services.h>
#include <pthread.h>
#include <stdbool.h>

struct running {               /* one call, in the caller's storage */
    struct list link;          /* guarded by the lock of its calls */
    struct ein_cancel *cancel; /* fires with the caller's, and with calls_stop() */
};

struct calls {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    pthread_mutex_t lock;
    struct list running; /* guarded by lock */
    bool stopping;       /* likewise */
};

void calls_init(struct calls *calls, const struct ein_host *host, struct ein_ctx *ctx);
void calls_done(struct calls *calls);

/* `parent` may be NULL.  UNAVAILABLE after calls_stop(). */
int calls_enter(struct calls *calls, struct running *running, struct ein_cancel *parent,
                struct ein_error *err);
void calls_leave(struct calls *calls, struct running *running);

void calls_stop(struct calls *calls);
bool calls_stopping(struct calls *calls);
