/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

struct ein_req;

/* What the error_shape/1 of the request's path makes of an error; NULL: there is none, and errors
 * look as everywhere. */
json_t *error_shape(struct ein_req *req, int *status, const json_t *detail);
