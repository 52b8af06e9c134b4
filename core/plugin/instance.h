/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lifecycle.h"

/* One instance on its way through life; lifecycle.c decides when.  Main thread. */

int instance_new(const struct lifecycle_setup *setup, const char *name, struct ein_ctx **ret_ctx);
void instance_free(struct ein_ctx *ctx); /* not one that has been entered and not left */

/* With ctx->plugin and ctx->settings set.  A failure leaves nothing behind: the state is FAILED,
 * and err says what of which instance. */
int instance_init(struct ein_ctx *ctx, struct ein_error *err);
int instance_start(struct ein_ctx *ctx, uint64_t started_as, struct ein_error *err);

/* withdraw ... fini; nothing if it has not been entered.  TIMEOUT: it stays withdrawn; ask again
 * later.  Afterwards the state is DISABLED. */
int instance_leave(struct ein_ctx *ctx, uint32_t drain_ms, struct ein_error *err);

void instance_set_state(struct ein_ctx *ctx, enum instance_state state, const char *reason);
