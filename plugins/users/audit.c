/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include "audit_event.h"

void users_audit(const struct users *users, const struct ein_req *req, const char *actor,
                 const char *action, const char *target, json_t *take_details)
{
    /* What could not be written is in the log: the change itself has been made. */
    (void)audit_done(users->host, users->ctx, req, actor, action, target, take_details, NULL);
}
