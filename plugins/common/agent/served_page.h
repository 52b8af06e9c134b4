/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

/* Of the deployments that WHERE finds those whose agents it finds as well: an array of {"name":
 * that it is deployed as, "agent": what is served, unless names are enough}, of at most `limit`
 * deployments, from CURSOR on (NULL: the first).  *ret_cursor, for mem_free: where it goes on;
 * NULL: nowhere.  INVALID: the cursor is none. */
int served_page(const struct ein_host *host, struct ein_ctx *ctx, const json_t *where,
                uint32_t limit, const char *cursor, bool names, json_t **ret_page,
                char **ret_cursor, struct ein_error *err);
