/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

enum cookie {
    COOKIE_NONE,
    COOKIE_ONE,
    COOKIE_SEVERAL /* a neighbouring site may have set one of them: which is ours cannot be told */
};

/* *ret_value is lent for the life of the request, and set for COOKIE_ONE. */
enum cookie cookie_read(const struct ein_http *http, struct ein_req *req, const char *name,
                        const char **ret_value);
/* Tells the browser to forget it. */
void cookie_drop(const struct ein_http *http, struct ein_req *req, const char *name);
