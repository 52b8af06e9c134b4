/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

void users_audit(const struct users *users, const struct ein_req *req, const char *actor,
                 const char *action, const char *target, json_t *take_details)
{
    const struct ein_http *http = users->host->http;
    const struct ein_identity *identity = http->identity(req);
    const struct ein_service *service;

    if (users->host->acquire(users->ctx, EIN_AUDIT, NULL, &service) < 0) {
        json_decref(take_details);
        return;
    }
    json_t *event = json_pack("{s:s, s:s, s:s, s:s?, s:s, s:o}", "action", action, "actor",
                              actor ? actor : identity->uid, "target", target, "address",
                              http->client_addr(req), "outcome", "success", "details",
                              take_details ? take_details : json_null());
    (void)((const struct ein_audit *)service->vtable)->append(service->impl, event, NULL);
    users->host->release(users->ctx, service);
}
