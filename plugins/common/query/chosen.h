/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>

/* Is the storage_backend/1 that SELF has published the one that storage.backend names? */
bool storage_is_chosen(const struct ein_host *host, struct ein_ctx *ctx, const void *self);
