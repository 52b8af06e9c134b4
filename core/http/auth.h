/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct ein_auth_provider;
struct ein_req;

/* Does who has no token of this provider have to log in? */
bool auth_is_login(const struct ein_auth_provider *provider);

/* Who is calling: sets req->identity.  False, with the reply made: 401, 429 after too many wrong
 * logins, or 403 for a name of this server that a foreign page may have invented. */
bool auth_authenticate(struct ein_req *req);

/* Whether the caller may: the route's auth level and scope.  False, with the reply made. */
bool auth_authorize(struct ein_req *req);
