/* SPDX-License-Identifier: Apache-2.0 */
#include "leases.h"

#include "cleanup.h"
#include "clock.h"

#include <string.h>

enum { AT_ONCE = 64 };

void leases_init(struct leases *leases, const struct ein_host *host, struct ein_ctx *ctx,
                 uint32_t lease_ms)
{
    leases->host = host;
    leases->ctx = ctx;
    leases->lease_ms = lease_ms;
    leases->head.next = leases->head.prev = &leases->head;
    (void)pthread_mutex_init(&leases->lock, NULL);
}

void leases_done(struct leases *leases)
{
    (void)pthread_mutex_destroy(&leases->lock);
}

void leases_add(struct leases *leases, struct lease *lease)
{
    struct lease *head = &leases->head;

    lease->until_ms = clock_mono_ms() + leases->lease_ms;
    EIN_LOCKED(&leases->lock);
    lease->prev = head->prev;
    lease->next = head;
    head->prev->next = lease;
    head->prev = lease;
}

void leases_remove(struct leases *leases, struct lease *lease)
{
    EIN_LOCKED(&leases->lock);
    lease->prev->next = lease->next;
    lease->next->prev = lease->prev;
}

/* Copies the holds that are due: the store is not waited for under the lock. */
static size_t take_due(struct leases *leases, char holds[AT_ONCE][EIN_HOLD_SIZE])
{
    int64_t now = clock_mono_ms();
    size_t count = 0;

    EIN_LOCKED(&leases->lock);
    for (struct lease *it = leases->head.next; it != &leases->head && count < AT_ONCE;
         it = it->next) {
        if (it->until_ms - now > leases->lease_ms / 3)
            continue;
        it->until_ms = now + leases->lease_ms;
        memcpy(holds[count++], it->hold, EIN_HOLD_SIZE);
    }
    return count;
}

void leases_extend(void *data)
{
    struct leases *leases = data;
    const struct ein_service *service;
    char holds[AT_ONCE][EIN_HOLD_SIZE];
    struct ein_error err;
    size_t count = take_due(leases, holds);

    if (!count || leases->host->acquire(leases->ctx, EIN_LEDGER, NULL, &service) < 0)
        return;
    const struct ein_ledger *ledger = service->vtable;
    for (; count; count = take_due(leases, holds))
        for (size_t i = 0; i < count; i++) {
            int r = ledger->extend(service->impl, holds[i], leases->lease_ms, &err);
            if (r < 0 && r != EIN_E_NOT_FOUND) /* it was settled meanwhile */
                leases->host->log_msg(leases->ctx, EIN_WARN,
                                      "The hold %s could not be extended: %s", holds[i], err.text);
        }
    leases->host->release(leases->ctx, service);
}
