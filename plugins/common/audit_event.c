/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_event.h"
#include "error.h"

#include <einion/services.h>

int audit_event(const struct ein_host *host, struct ein_ctx *ctx, json_t *take_event,
                struct ein_error *err)
{
    const struct ein_service *service;
    const struct ein_audit *audit;
    int r;

    if (!take_event)
        return error_no_memory(err);
    if (host->acquire(ctx, EIN_AUDIT, NULL, &service) < 0) {
        json_decref(take_event);
        return 0;
    }
    audit = service->vtable;
    r = audit->append(service->impl, take_event, err);
    host->release(ctx, service);
    return r;
}

int audit_done(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
               const char *actor, const char *action, const char *target, json_t *take_details,
               struct ein_error *err)
{
    const struct ein_http *http = host->http;
    const struct ein_identity *identity = http->identity(req);
    json_t *event = json_pack("{s:s, s:s, s:s, s:s*, s:s, s:o*}", "action", action, "actor",
                              actor      ? actor
                              : identity ? identity->uid
                                         : "admin",
                              "target", target, "address", http->client_addr(req), "outcome",
                              "success", "details", take_details);

    return audit_event(host, ctx, event, err);
}
