/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>

/* DENIED, with the sentence that they are told: UID (may be NULL) is blocked, by blocks/1.  Waits
 * for nothing. */
int blocked_check(const struct ein_host *host, struct ein_ctx *ctx, const char *uid,
                  struct ein_error *err);
