/* SPDX-License-Identifier: Apache-2.0 */
#include "disk_room.h"

#include <einion/services.h>

int64_t disk_bytes(const json_t *doc)
{
    return (int64_t)json_dumpb(doc, NULL, 0, JSON_COMPACT);
}

int64_t disk_growth(int64_t bytes, int64_t old_bytes)
{
    return bytes > old_bytes ? bytes - old_bytes : 0;
}

int disk_take(const struct ein_host *host, struct ein_ctx *ctx, const char *owner, int64_t bytes,
              struct ein_error *err)
{
    const struct ein_service *service;
    const struct ein_disk_quota *quota;
    int r;

    if (!bytes || host->acquire(ctx, EIN_DISK_QUOTA, NULL, &service) < 0)
        return 0;
    quota = service->vtable;
    r = quota->take(service->impl, owner, bytes, err);
    host->release(ctx, service);
    return r;
}

int disk_take_doc(const struct ein_host *host, struct ein_ctx *ctx, const char *owner,
                  const json_t *doc, const json_t *old, struct ein_error *err)
{
    return disk_take(host, ctx, owner, disk_growth(disk_bytes(doc), old ? disk_bytes(old) : 0),
                     err);
}

void disk_give_doc(const struct ein_host *host, struct ein_ctx *ctx, const char *owner,
                   const json_t *doc)
{
    (void)disk_take(host, ctx, owner, -disk_bytes(doc), NULL);
}
