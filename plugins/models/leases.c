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
    list_init(&leases->list);
    (void)pthread_mutex_init(&leases->lock, NULL);
}

void leases_done(struct leases *leases)
{
    (void)pthread_mutex_destroy(&leases->lock);
}

void leases_add(struct leases *leases, struct lease *lease)
{
    lease->until_ms = clock_mono_ms() + leases->lease_ms;
    EIN_LOCKED(&leases->lock);
    list_append(&leases->list, &lease->link);
}

void leases_remove(struct leases *leases, struct lease *lease)
{
    EIN_LOCKED(&leases->lock);
    list_remove(&lease->link);
}

/* Copies holds that are due: the store is not waited for under the lock. */
static size_t take_due(struct leases *leases, int64_t now, char holds[AT_ONCE][EIN_HOLD_SIZE])
{
    size_t count = 0;

    EIN_LOCKED(&leases->lock);
    list_each(it, &leases->list)
    {
        struct lease *lease = list_entry(it, struct lease, link);

        if (count == AT_ONCE || lease->until_ms - now > leases->lease_ms / 3)
            continue;
        lease->until_ms = now + leases->lease_ms;
        memcpy(holds[count++], lease->hold, EIN_HOLD_SIZE);
    }
    return count;
}

/* It could not be extended: it is due again after NOW, the next time. */
static void put_back(struct leases *leases, int64_t now, const char *hold)
{
    EIN_LOCKED(&leases->lock);
    list_each(it, &leases->list)
    {
        struct lease *lease = list_entry(it, struct lease, link);

        if (strcmp(lease->hold, hold) == 0)
            lease->until_ms = now + leases->lease_ms / 3 + 1;
    }
}

void leases_extend(void *data)
{
    struct leases *leases = data;
    const struct ein_service *service;
    const int64_t now = clock_mono_ms();
    char holds[AT_ONCE][EIN_HOLD_SIZE];
    struct ein_error err;
    size_t count;

    if (leases->host->acquire(leases->ctx, EIN_LEDGER, NULL, &service) < 0)
        return;
    const struct ein_ledger *ledger = service->vtable;
    while ((count = take_due(leases, now, holds)) > 0)
        for (size_t i = 0; i < count; i++) {
            int r = ledger->extend(service->impl, holds[i], leases->lease_ms, &err);
            if (r >= 0 || r == EIN_E_NOT_FOUND) /* it was settled meanwhile */
                continue;
            put_back(leases, now, holds[i]);
            leases->host->log_msg(leases->ctx, EIN_WARN, "The hold %s could not be extended: %s",
                                  holds[i], err.text);
        }
    leases->host->release(leases->ctx, service);
}
