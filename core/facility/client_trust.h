/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* The authorities whose certificates are believed.  Any thread. */
struct trust;

/* ca_file: PEM; NULL: the system's, which are read when they are first needed. */
int trust_new(const char *ca_file, struct trust **ret_trust, struct ein_error *err);
void trust_free(struct trust *trust);

/* Whether the other side of a connection is `host`.  tls: gnutls_session_t, after its handshake.
 * UNAVAILABLE: it is not, or nobody trusted says so. */
int trust_check(struct trust *trust, void *tls, const char *host, struct ein_error *err);
