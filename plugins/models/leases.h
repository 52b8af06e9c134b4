/* SPDX-License-Identifier: Apache-2.0 */
/* What is set aside for calls that run now is kept aside, however long they say nothing. */
#pragma once

#include "list.h"

#include <einion/services.h>
#include <pthread.h>

struct lease {        /* of one hold, in the caller's storage */
    struct list link; /* guarded by the lock of its leases */
    int64_t until_ms; /* likewise; by the monotonic clock */
    char hold[EIN_HOLD_SIZE];
};

struct leases {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t lease_ms;
    pthread_mutex_t lock;
    struct list list; /* guarded by lock */
};

void leases_init(struct leases *leases, const struct ein_host *host, struct ein_ctx *ctx,
                 uint32_t lease_ms);
void leases_done(struct leases *leases);

void leases_add(struct leases *leases, struct lease *lease);
void leases_remove(struct leases *leases, struct lease *lease);

/* Extends those that are two thirds over.  To be called twice a third. */
void leases_extend(void *leases);
