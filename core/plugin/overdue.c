/* SPDX-License-Identifier: Apache-2.0 */
#include "overdue.h"

#include "clock.h"
#include "log.h"

static void say(void *data)
{
    const struct overdue *overdue = data;

    log_write(
        overdue->ctx->setup->log, EIN_WARN, overdue->ctx->name, NULL,
        "%s() has not come back for %lld ms; the server can neither reload nor stop meanwhile",
        overdue->step, (long long)(clock_mono_ms() - overdue->began_ms));
}

void overdue_begin(struct overdue *overdue, const struct ein_ctx *ctx, const char *step)
{
    *overdue = (struct overdue){ .ctx = ctx, .step = step, .began_ms = clock_mono_ms() };
    jobs_owner_init(&overdue->timer);
    (void)jobs_every(ctx->setup->jobs, &overdue->timer, ctx->setup->drain_ms, say, overdue);
}

void overdue_end(struct overdue *overdue)
{
    struct jobs *jobs = overdue->ctx->setup->jobs;

    jobs_withdraw(jobs, &overdue->timer);
    while (!jobs_drain(jobs, &overdue->timer, overdue->ctx->setup->drain_ms))
        ;
}
