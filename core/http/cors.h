/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct ein_req;

/* Adds the CORS headers of every reply.  False, with the reply made: a preflight. */
bool cors_check(struct ein_req *req);

/* A page is shown few headers unless it is told of them: adds the names of the others, once all of
 * the reply are known. */
void cors_expose(struct ein_req *req);

/* Whether pages of this origin may call: http.origins. */
bool cors_is_listed(const struct ein_req *req, const char *origin);
