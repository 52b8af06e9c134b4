/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Where a server listens: {"address": "127.0.0.1", "port": 8000}. */

/* A socket bound to it that does not listen yet; nobody notices.  CONFLICT: somebody listens. */
int listen_at_bind(const json_t *at, int *ret_fd, struct ein_error *err);
int listen_at_failed(const json_t *at, struct ein_error *err); /* why is in errno */
uint16_t listen_at_port(int fd);                               /* the one that 0 has become */

/* Whether it can be reached from this machine only. */
bool listen_at_is_loopback(const json_t *at);

/* Whether a server could listen there, in a line to `say`, also if it is one of ours that does. */
int listen_at_check(const json_t *at, ein_say *say, void *data, struct ein_error *err);
