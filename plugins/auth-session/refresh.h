/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth_session.h"

bool refresh_is_due(const json_t *doc);

/* Asks the provider what it says of the session's user today, and keeps that; *doc is another
 * one afterwards.  Of several servers, and requests, one asks.  A provider that is down, or cannot
 * be asked, changes nothing.  DENIED: the user may not be here any more, and the session has ended.
 * ret_changes, which may be NULL: {"added", "removed", "roleChanges", "siteAdminChanged"}. */
int refresh_session(const struct auth_session *self, json_t **doc, json_t **ret_changes,
                    struct ein_error *err);

json_t *refresh_nothing(void); /* as if nothing had changed */
