/* SPDX-License-Identifier: Apache-2.0 */
#include "overdue.h"

#include "clock.h"
#include "log.h"

enum { LEAST_MS = 500 }; /* where drain_ms is shorter: a step takes its time */

static uint32_t period_ms(const struct ein_ctx *ctx)
{
    return ctx->setup->drain_ms > LEAST_MS ? ctx->setup->drain_ms : LEAST_MS;
}

static void say(void *data)
{
    const struct overdue *overdue = data;

    log_write(
        overdue->ctx->setup->log, EIN_WARN, overdue->ctx->name, NULL,
        "%s() has not returned for %lld ms; until then the server can neither reload nor stop",
        overdue->step, (long long)(clock_mono_ms() - overdue->began_ms));
}

void overdue_begin(struct overdue *overdue, const struct ein_ctx *ctx, const char *step)
{
    *overdue = (struct overdue){ .ctx = ctx, .step = step, .began_ms = clock_mono_ms() };
    jobs_owner_init(&overdue->timer);
    (void)jobs_every(ctx->setup->jobs, &overdue->timer, period_ms(ctx), say, overdue);
}

void overdue_end(struct overdue *overdue)
{
    struct jobs *jobs = overdue->ctx->setup->jobs;

    jobs_withdraw(jobs, &overdue->timer);
    while (!jobs_drain(jobs, &overdue->timer, period_ms(overdue->ctx)))
        ;
}
