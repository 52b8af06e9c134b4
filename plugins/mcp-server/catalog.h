/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "mcp_server.h"
#include "served.h"

/* The deployed agents that the caller may run. */

/* An array of {"name": that it is deployed as, "agent": what is served, unless names are enough},
 * at most `limit`, from CURSOR on (NULL: the first).  *ret_cursor, for mem_free: where it goes on,
 * NULL: nowhere. INVALID: the cursor is none. */
int catalog_page(const struct turn *turn, uint32_t limit, const char *cursor, bool names,
                 json_t **ret_page, char **ret_cursor, struct ein_error *err);
int catalog_count(const struct turn *turn, uint64_t *ret_count, struct ein_error *err);
/* Which one a tool is: what is served, and the name it is deployed as, for mem_free.  NOT_FOUND.
 * DENIED: the caller's credential lacks the scope that it asks for. */
int catalog_find(const struct turn *turn, const char *tool, struct served *ret_served,
                 char **ret_name, struct ein_error *err);
