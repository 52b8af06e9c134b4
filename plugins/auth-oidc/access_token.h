/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens that are JSON Web Tokens: RFC 9068, and what issuers made before it. */
#pragma once

#include "jwt.h"

/* Is it an access token, of a person, for whoever bears it?  An issuer signs other tokens with the
 * same keys, and may give an id_token the same audience.  DENIED: no. */
int access_token_check(const struct jwt *jwt, struct ein_error *err);

/* The scopes of this server that `claims` names, as an array; those of a site admin are left out.
 * NULL: no memory. */
json_t *access_token_scopes(const json_t *claims);
