/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include "audit_event.h"

void users_audit(const struct users *users, const struct ein_req *req, const char *actor,
                 const char *action, const char *target, json_t *take_details)
{
    const struct ein_http *http = users->host->http;
    json_t *event = json_pack("{s:s, s:s, s:s, s:s?, s:s, s:o}", "action", action, "actor",
                              actor ? actor : http->identity(req)->uid, "target", target, "address",
                              http->client_addr(req), "outcome", "success", "details",
                              take_details ? take_details : json_null());

    /* What could not be written is in the log: the change itself has been made. */
    (void)audit_event(users->host, users->ctx, event, NULL);
}
