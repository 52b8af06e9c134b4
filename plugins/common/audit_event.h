/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* Writes an event of audit/1, if there is one: without an audit the server goes on as it is.
 * 0, or why it could not be written. */
int audit_event(const struct ein_host *host, struct ein_ctx *ctx, json_t *take_event,
                struct ein_error *err);

/* Likewise that ACTION was done to TARGET in REQ: by ACTOR, or by the caller if that is NULL, who
 * is "admin" if all that is known of them is that they have the password.  `details` may be NULL.
 */
int audit_done(const struct ein_host *host, struct ein_ctx *ctx, const struct ein_req *req,
               const char *actor, const char *action, const char *target, json_t *take_details,
               struct ein_error *err);
