/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth_session.h"

/* The provider of this name that people log in with; host->release().  NULL: there is none. */
const struct ein_service *provider_acquire(const struct auth_session *self, const char *name);

/* [{"type", "displayName", "icon"}], by type. */
int provider_list(const struct auth_session *self, json_t **ret_list, struct ein_error *err);
