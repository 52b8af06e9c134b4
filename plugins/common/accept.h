/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* Does the header Accept (NULL: none) name the media type WANTED itself, and want it more than
 * OTHER?  Of two that are wanted alike the one that is named first is wanted more.  RFC 9110,
 * 12.5.1; a wildcard counts for OTHER alone. */
bool accept_prefers(const char *accept, const char *wanted, const char *other);

/* text/event-stream rather than JSON. */
bool accept_events(const struct ein_http *http, const struct ein_req *req);
