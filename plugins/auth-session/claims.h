/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth_session.h"

/* What a provider said -> what a session says: see somebody_make(). */
int claims_make(const struct auth_session *self, const char *provider, const json_t *said,
                json_t **ret_claims, struct ein_error *err);

/* On the list of site admins, or the provider said so. */
bool claims_is_site_admin(const struct auth_session *self, const json_t *said);
/* A site admin, or a member of a workspace of the provider's. */
bool claims_may_log_in(const json_t *claims);
