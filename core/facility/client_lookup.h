/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <netdb.h>

/* The addresses of a name, for freeaddrinfo(); NULL: it has none.  TIMEOUT after MS; CANCELLED,
 * if `cancel` (may be NULL) fires. */
int client_lookup(const char *host, const char *port, uint32_t ms, struct ein_cancel *cancel,
                  struct addrinfo **ret_found, struct ein_error *err);
