/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "ask.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "ids.h"
#include "span.h"
#include "ticket.h"
#include <stdio.h>
#include <time.h>

enum { WRITE_PAUSE_MS = 100 /* between tries to store an answer */ };

static bool somebody_was_ahead(int r)
{
    return r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND;
}

/* ---- claiming ---- */

void run_free(struct chat *chat, struct run *run)
{
    if (!run)
        return;
    chat->host->cancel->drop(run->cancel);
    live_leave(&chat->lives, run->live);
    json_decref(run->ticket);
    (void)pthread_mutex_destroy(&run->lock);
    free(run);
}

/* TICKET was claimed and not begun.  Who was ahead has ended it. */
static int end_claimed(struct chat *chat, const json_t *ticket, const char *error,
                       struct ein_error *err)
{
    const char *id = text_of(ticket, "_id");
    int r = ticket_end(chat, ticket, text_of(ticket, "_rev"), NULL, error, err);

    live_poke(&chat->lives, id);
    return r < 0 && !somebody_was_ahead(r) ? r : 0;
}

static int end_late(struct chat *chat, const json_t *ticket, struct ein_error *err)
{
    char text[TICKET_LATE_SIZE];

    ticket_late(chat, text);
    return end_claimed(chat, ticket, text, err);
}

static int end_unlucky(struct chat *chat, const json_t *ticket, struct ein_error *err)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "This chat was begun %lld times, and each time its server stopped before it "
                   "had an answer; it is not tried again.",
                   (long long)integer_of(ticket, "attempts"));
    return end_claimed(chat, ticket, text, err);
}

/* The run of TICKET, whose revision is REV. */
static struct run *run_new(struct chat *chat, json_t *ticket, const char *rev, int64_t lease_ends)
{
    struct run *run = calloc(1, sizeof(*run));

    if (!run)
        return NULL;
    (void)pthread_mutex_init(&run->lock, NULL);
    run->ticket = json_incref(ticket);
    run->id = text_of(ticket, "_id");
    run->runner = text_of(ticket, "runner");
    run->attempt = (unsigned)integer_of(ticket, "attempts");
    run->ends_at = integer_of(ticket, "endsAt");
    run->lease_ends = lease_ends;
    (void)snprintf(run->rev, sizeof(run->rev), "%s", rev);
    run->live = live_enter(&chat->lives, run->id);
    run->cancel = chat->host->cancel->make(chat->ctx, NULL);
    if (run->live && run->cancel)
        return run;
    run_free(chat, run);
    return NULL;
}

/* Says in the store that it has begun, under a name that no other run has. */
static int begin(struct chat *chat, json_t *ticket, int64_t lease_ends, struct run **ret_run,
                 struct ein_error *err)
{
    char rev[EIN_REV_SIZE], runner[UUID_SIZE];
    int r;

    uuid_make(runner);
    (void)snprintf(rev, sizeof(rev), "%s", text_of(ticket, "_rev"));
    EIN_JSON json_t *members = json_pack("{s:s, s:s}", "status", "processing", "runner", runner);
    EIN_JSON json_t *begun = json_copy(ticket);
    json_t *attempts = json_integer(integer_of(ticket, "attempts") + 1);
    if (json_object_set_new(begun, "attempts", attempts) < 0 ||
        json_object_update(begun, members) < 0)
        return error_no_memory(err);
    r = ticket_change(chat, text_of(ticket, "_id"), rev, EIN_TAKE(members), 1, err);
    if (r < 0)
        return somebody_was_ahead(r) ? 0 : r;
    *ret_run = run_new(chat, begun, rev, lease_ends); /* without it the lease ends, and it is
                                                         claimed again */
    return *ret_run ? 1 : error_no_memory(err);
}

int run_claim(struct chat *chat, json_t **ret_ticket, struct ein_error *err)
{
    return chat->host->store->claim(chat->ctx, TICKET_SET, "dueAt", clock_wall_ms(), chat->lease_ms,
                                    ret_ticket, err);
}

int run_begin(struct chat *chat, json_t *ticket, struct run **ret_run, struct ein_error *err)
{
    if (integer_of(ticket, "endsAt") <= clock_wall_ms())
        return end_late(chat, ticket, err);
    if (integer_of(ticket, "attempts") >= chat->attempts_max)
        return end_unlucky(chat, ticket, err);
    return begin(chat, ticket, integer_of(ticket, "dueAt"), ret_run, err);
}

/* ---- the end ---- */

void run_stop(const struct chat *chat, struct run *run, enum run_stop why)
{
    int wanted = RUN_WANTED;

    if (__atomic_compare_exchange_n(&run->stop, &wanted, (int)why, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        chat->host->cancel->fire(run->cancel);
}

static enum run_stop why_stopped(const struct run *run)
{
    return (enum run_stop)__atomic_load_n(&run->stop, __ATOMIC_RELAXED);
}

static void pause_ms(long ms)
{
    const struct timespec length = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&length, NULL);
}

/* From now on the revision is the worker's alone. */
static int64_t take_over(struct run *run, char ret_rev[EIN_REV_SIZE])
{
    EIN_LOCKED(&run->lock);
    run->writing = true;
    (void)snprintf(ret_rev, EIN_REV_SIZE, "%s", run->rev);
    return run->lease_ends;
}

/* RESULT, or ERROR where it is NULL.  A store that is out of order is tried for as long as the
 * lease lasts. */
static void write_end(struct chat *chat, struct run *run, const json_t *result, const char *error)
{
    char rev[EIN_REV_SIZE];
    int64_t lease_ends = take_over(run, rev);
    struct ein_error err;
    int r = ticket_end(chat, run->ticket, rev, result, error, &err);

    while (r < 0 && !somebody_was_ahead(r) && why_stopped(run) != RUN_HAND_BACK &&
           clock_wall_ms() < lease_ends) {
        if (r == EIN_E_TOO_LARGE && result) {
            result = NULL;
            error = "The answer is too long to be kept.";
        } else {
            pause_ms(WRITE_PAUSE_MS);
        }
        r = ticket_end(chat, run->ticket, rev, result, error, &err);
    }
    if (r < 0)
        chat->host->log_msg(chat->ctx, somebody_was_ahead(r) ? EIN_INFO : EIN_ERROR,
                            "The answer to ticket %s is dropped: %s", run->id, err.text);
}

/* Whoever asks next may claim it; this was no attempt. */
static void hand_back(struct chat *chat, struct run *run)
{
    json_t *members = json_pack("{s:s, s:n, s:I}", "status", "pending", "runner", "dueAt",
                                (json_int_t)clock_wall_ms());
    char rev[EIN_REV_SIZE];
    struct ein_error err;

    (void)take_over(run, rev);
    if (ticket_change(chat, run->id, rev, members, -1, &err) < 0)
        chat->host->log_msg(chat->ctx, EIN_WARN, "Ticket %s waits for its lease to end: %s",
                            run->id, err.text);
}

static void write_failure(struct chat *chat, struct run *run, const struct ein_error *why)
{
    char text[TICKET_LATE_SIZE];

    switch (why_stopped(run)) {
    case RUN_TAKEN:
        return;
    case RUN_HAND_BACK:
        hand_back(chat, run);
        return;
    case RUN_TIMEOUT:
        ticket_late(chat, text);
        write_end(chat, run, NULL, text);
        return;
    case RUN_BLOCKED:
        write_end(chat, run, NULL, "The user who asked this has been blocked.");
        return;
    case RUN_WANTED:
        write_end(chat, run, NULL, why->text);
    }
}

/* A store that is out of order is no failure of the chat: its lease ends, and it is begun again. */
static int read_asked(const struct chat *chat, const struct run *run, json_t **ret_asked,
                      struct ein_error *err)
{
    int r = chat->host->store->get(chat->ctx, ASKED_SET, run->id, ret_asked, err);

    if (r == EIN_E_NOT_FOUND)
        return error_set(err, r, "The question of this chat is no longer stored.");
    if (r < 0)
        chat->host->log_msg(chat->ctx, EIN_ERROR, "Ticket %s waits for its lease to end: %s",
                            run->id, err->text);
    return r;
}

static void perform(struct chat *chat, struct run *run)
{
    EIN_JSON json_t *asked = NULL;
    EIN_JSON json_t *result = NULL;
    struct ein_error err = { 0 };
    int r = read_asked(chat, run, &asked, &err);

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return;
    if (r == 0)
        r = why_stopped(run) == RUN_WANTED ? ask_model(chat, run, asked, &result, &err)
                                           : EIN_E_CANCELLED;
    if (r < 0)
        write_failure(chat, run, &err);
    else if (why_stopped(run) != RUN_TAKEN)
        write_end(chat, run, result, NULL);
}

void run_perform(struct chat *chat, struct run *run)
{
    live_begin(run->live, run->attempt);
    span_enter(chat->host, text_of(run->ticket, "traceparent"));
    perform(chat, run);
    span_enter(chat->host, NULL);
    live_end(run->live, run->attempt);
}
