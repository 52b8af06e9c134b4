/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUDIT_EVENT_H
#define AUDIT_EVENT_H

#include <einion/plugin.h>
#include <jansson.h>

/* Writes an event of audit/1, if there is one: without an audit the server goes on as it is.
 * 0, or why it could not be written. */
int audit_event(const struct ein_host *host, struct ein_ctx *ctx, json_t *take_event,
                struct ein_error *err);

#endif
