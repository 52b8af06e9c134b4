/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct ein_req;

/* A page of another origin may not make changes by what a browser sends of itself: a cookie, or
 * coming from this machine.  Programs send no Origin and are not meant; a key or a token is known
 * to whoever sends it.  False, with the reply made: 403. */
bool csrf_check(struct ein_req *req);
