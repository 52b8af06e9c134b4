/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lifecycle.h"

/* A step of an instance's life, of which the log says every drain_ms, half a second at least, that
 * it is not over.  All else that the main thread has to do waits for it.  Storage of the caller's.
 */
struct overdue {
    const struct ein_ctx *ctx;
    const char *step; /* "stop", ... */
    int64_t began_ms;
    struct jobs_owner timer;
};

void overdue_begin(struct overdue *overdue, const struct ein_ctx *ctx, const char *step);
void overdue_end(struct overdue *overdue);
