/* SPDX-License-Identifier: Apache-2.0 */
#include "chosen.h"

#include <einion/services.h>

bool storage_is_chosen(const struct ein_host *host, struct ein_ctx *ctx, const void *self)
{
    const struct ein_service *service;
    bool is_it;

    if (host->acquire(ctx, EIN_STORAGE_BACKEND, NULL, &service) < 0)
        return false;
    is_it = service->impl == self;
    host->release(ctx, service);
    return is_it;
}
