/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth_session.h"
#include "token.h"

#define SESSIONS_SET "auth_sessions"
#define STATES_SET   "auth_states"

/* A session is a document whose _id is the hash of what the cookie holds: who reads the store
 * cannot be anybody.
 *
 *   {"userId", "claims", "said", "createdAt", "expiresAt", "refreshAt",
 *    "address", "userAgent"}
 *
 * `said` is what the provider said, without its workspaces; the last of the times are
 * milliseconds. */

/* Logs in: a new document, and the cookie in the reply.  The oldest of too many go. */
int session_start(const struct auth_session *self, struct ein_req *req, const json_t *claims,
                  const json_t *said, struct ein_error *err);

/* NOT_FOUND: it is none, or none any more. */
int session_find(const struct auth_session *self, const char *token, json_t **ret_doc,
                 struct ein_error *err);
int session_read(const struct auth_session *self, const char *id, json_t **ret_doc,
                 struct ein_error *err);
/* 0 also if there was none. */
int session_end(const struct auth_session *self, const char *id, struct ein_error *err);
/* All of a user's; *ret_count were live. */
int session_end_all(const struct auth_session *self, const char *uid, size_t *ret_count,
                    struct ein_error *err);
/* The live ones of a user, the youngest first. */
int session_list(const struct auth_session *self, const char *uid, json_t **ret_docs,
                 struct ein_error *err);

/* Replaces members; CONFLICT: it has changed since it was read.  What the store gave out is not
 * changed: *doc is another one afterwards. */
int session_update(const struct auth_session *self, json_t **doc, const json_t *members,
                   struct ein_error *err);

/* Deletes what has expired. */
void session_sweep(void *self);
