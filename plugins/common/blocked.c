/* SPDX-License-Identifier: Apache-2.0 */
#include "blocked.h"

int blocked_check(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                  struct ein_error *err)
{
    const struct ein_service *service;

    if (!uid || host->acquire(ctx, EIN_BLOCKS, NULL, &service) < 0)
        return 0;
    int r = ((const struct ein_blocks *)service->vtable)->check(service->impl, uid, err);
    host->release(ctx, service);
    return r;
}
