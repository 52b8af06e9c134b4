/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config_source.h"

/* The section `auth` and APP_ENV=firebase -> instances in `plugins` of the checked tree.  What
 * `plugins` already has stays as it is written there; members that it lacks are added.  0,
 * EIN_E_INVALID with the faults reported, or NO_MEMORY. */
int config_auth_expand(struct source *source, json_t *tree);
