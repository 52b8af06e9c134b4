/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct ein_req;

/* Whether the Host header names this machine itself, or the host of a configured origin. */
bool local_is_host(const char *host, const char *const *allowed);

/* Where nobody logs in: the caller is the one local user.  False, with the reply made: 403 for a
 * name of this server that a foreign page may have invented, and for what a proxy sends on. */
bool local_let_in(struct ein_req *req);
