/* SPDX-License-Identifier: Apache-2.0 */
/* The document of a ticket, and its life: pending -> processing -> completed or failed, and from
 * processing back to pending when a server stops.  Each write names the revision that it follows,
 * so that of all who may write at once, on any server, one does.
 *
 *   userId, owner, workspaceId?   whose it is; see ownership.h
 *   status, error, result         as shown
 *   provider, model, requestId
 *   attempts                      how often a worker has begun
 *   createdAt, updatedAt, completedAt
 *   endsAt                        ms: when it fails if it is open; when it is deleted if it is not
 *   idempotencyKey?               `_id` in KEY_SET
 * and while it is open (pending or processing)
 *   dueAt                         ms: from when on a worker may claim it
 *   openOf                        userId: to count a user's
 *   runner                        whose lease it is; null: nobody's */
#pragma once

#include "chat.h"
#include "member.h"
#include <jansson.h>
#include <stdbool.h>

bool ticket_is_open(const json_t *ticket);

/* As the API shows it.  NULL: no memory. */
json_t *ticket_show(const json_t *ticket);

enum { TICKET_LATE_SIZE = 128 };
/* The error of one whose time is over. */
void ticket_late(const struct chat *chat, char ret_text[TICKET_LATE_SIZE]);

/* Ends TICKET, with RESULT (lent) or, where that is NULL, with ERROR, if it still has the revision
 * REV.  CONFLICT or NOT_FOUND: somebody was ahead. */
int ticket_end(const struct chat *chat, const json_t *ticket, const char *rev, const json_t *result,
               const char *error, struct ein_error *err);

/* Ends TICKET, which is open, with WHY, if it is as it was read: whoever works on it, on whichever
 * server, finds that, stops its call and can write nothing more (cancel.c). */
int ticket_stop(struct chat *chat, const json_t *ticket, const char *why, struct ein_error *err);

/* Deletes TICKET, which has ended, and what belongs to it.  CONFLICT and NOT_FOUND: somebody was
 * ahead (sweep.c). */
int ticket_forget(const struct chat *chat, const json_t *ticket, struct ein_error *err);

/* Changes members of the ticket ID if it still has the revision REV, which becomes the new one;
 * ADD is added to `attempts`. */
int ticket_change(const struct chat *chat, const char *id, char rev[EIN_REV_SIZE],
                  json_t *take_members, int add, struct ein_error *err);
