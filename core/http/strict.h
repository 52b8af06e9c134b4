/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd before 1.0 reads as a request although others may read another: a bare LF for
 * the end of a line, nothing for what follows a NUL, one name for that of a header and what is
 * folded behind it.  A proxy before this server would be of another mind about where requests end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/* Where the request line's parts are; libmicrohttpd's own memory, until the request is over. */
struct strict_line {
    const char *method, *target;
    size_t target_len; /* before it was decoded */
};

/* Whether it has to be looked at here. */
bool strict_is_due(void);

/* When the head is there.  NULL: all of it is as it should be. */
const char *strict_head_fault(struct MHD_Connection *connection, const struct strict_line *line);
