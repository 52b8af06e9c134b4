/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Which addresses a fetch may reach.  Immutable once made: any thread. */
struct egress;

enum { EGRESS_ALLOW_MAX = 256, EGRESS_PORTS_MAX = 256 };

/* section: {"allow": array of CIDRs ("10.1.0.0/16", "fd00::/8"), addresses and host names, any port
 * of which may be reached, "ports": array of those that may be reached elsewhere, empty: all}. */
int egress_new(const json_t *section, const char *listen_host, uint16_t listen_port,
               struct egress **ret_egress, struct ein_error *err);
void egress_free(struct egress *egress);

/* pattern: the host's name, or a suffix ".example" of it. */
bool egress_is_host(const char *pattern, const char *host);
/* The operator named this host in egress.allow. */
bool egress_allows_host(const struct egress *egress, const char *host);
/* 0, or EIN_E_DENIED and a text that names the address, why, and the setting. */
int egress_check(const struct egress *egress, const struct sockaddr *address, bool host_allowed,
                 struct ein_error *err);
