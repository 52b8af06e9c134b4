/* SPDX-License-Identifier: Apache-2.0 */
#include "draining.h"
#include "cleanup.h"
#include "member.h"
#include "str.h"

#include <einion/services.h>
#include <jansson.h>

bool server_is_draining(const struct ein_host *host, struct ein_ctx *ctx)
{
    const struct ein_service *service;
    EIN_JSON json_t *status = NULL;

    if (host->acquire(ctx, EIN_SERVER, NULL, &service) < 0)
        return true;
    (void)((const struct ein_server *)service->vtable)->status(service->impl, &status, NULL);
    host->release(ctx, service);
    return str_eq(text_of(status, "status"), "draining");
}
