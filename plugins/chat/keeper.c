/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "blocked.h"
#include "cleanup.h"
#include "clock.h"
#include "ticket.h"
#include <string.h>

/* Is it still this run that the ticket waits for? */
static bool is_ours(const struct run *run, const json_t *ticket)
{
    const char *runner = text_of(ticket, "runner");

    return ticket_is_open(ticket) && runner && strcmp(runner, run->runner) == 0;
}

/* With the run's lock held.  A lease that cannot be extended ends, and somebody else claims the
 * ticket; one of the two answers will be stored. */
static void extend(struct chat *chat, struct run *run)
{
    int64_t now = clock_wall_ms(), ends = now + chat->lease_ms;
    json_t *members = json_pack("{s:I}", "dueAt", (json_int_t)ends);

    if (ticket_change(chat, run->id, run->rev, members, 0, NULL) >= 0)
        run->lease_ends = ends;
}

void run_keep(struct chat *chat, struct run *run)
{
    EIN_JSON json_t *ticket = NULL;

    EIN_LOCKED(&run->lock);
    if (run->writing)
        return;
    if (clock_wall_ms() >= run->ends_at)
        run_stop(chat, run, RUN_TIMEOUT);
    if (blocked_check(chat->host, chat->ctx, text_of(run->ticket, "userId"), NULL) < 0)
        run_stop(chat, run, RUN_BLOCKED);
    int r = chat->host->store->get(chat->ctx, TICKET_SET, run->id, &ticket, NULL);
    if (r == EIN_E_NOT_FOUND || (r == 0 && !is_ours(run, ticket)))
        run_stop(chat, run, RUN_TAKEN);
    else if (run->lease_ends - clock_wall_ms() < chat->lease_ms * 2 / 3)
        extend(chat, run);
}
