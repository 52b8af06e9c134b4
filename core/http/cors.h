/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORS_H
#define CORS_H

#include <stdbool.h>

struct ein_req;

/* Adds the CORS headers of every reply.  False, with the reply made: a preflight, or a request
 * that a foreign page sends through somebody's browser. */
bool cors_check(struct ein_req *req);

#endif
