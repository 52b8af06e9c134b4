/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MCP_LINGER_H
#define MCP_LINGER_H

#include "mcp.h"

/* A stream whose answer has come should be closed by the server: then its connection serves the
 * next call.  Some never do, so somebody waits with it for linger_ms, and then breaks it off. */
struct linger;

/* NULL: no memory, the stream is broken off at once.  Fires with `parent` (may be NULL), too. */
struct linger *linger_new(struct mcp *mcp, struct ein_cancel *parent);
struct ein_cancel *linger_cancel(const struct linger *linger);
/* The answer has come.  False: nobody is there to wait. */
bool linger_begin(struct linger *linger);
/* The transfer is over, however it ended.  NULL is fine. */
void linger_end(struct linger *linger);

#endif
