/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* A server that is to stop waits for its requests: those that do not end by themselves ask. */
bool server_is_draining(const struct ein_host *host, struct ein_ctx *ctx);
