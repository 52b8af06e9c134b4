/* SPDX-License-Identifier: Apache-2.0 */
#include "admission.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 50 /* how often who waits looks whether it is still wanted */ };

struct admission_share {
    struct admission_share *next;
    bool is_lane;
    uint32_t running, waiting;
    char name[];
};

struct admission_waiter {
    struct admission_waiter *next, *before;
    const struct admission_ticket *ticket;
    struct admission_place place;
    pthread_cond_t woken;
    bool admitted;
};

void admission_init(struct admission *admission)
{
    *admission = (struct admission){ 0 };
    pthread_mutex_init(&admission->lock, NULL);
}

void admission_done(struct admission *admission)
{
    pthread_mutex_destroy(&admission->lock);
}

void admission_shut(struct admission *admission)
{
    EIN_LOCKED(&admission->lock);

    admission->shut = true;
    for (struct admission_waiter *waiter = admission->first; waiter; waiter = waiter->next)
        pthread_cond_signal(&waiter->woken);
}

/* ---- shares: all with the lock held ---- */

/* That of NAME, which is made if there is none; NULL: no memory. */
static struct admission_share *share_of(struct admission *admission, const char *name, bool is_lane)
{
    struct admission_share *share = admission->shares;

    while (share && (share->is_lane != is_lane || strcmp(share->name, name) != 0))
        share = share->next;
    if (share)
        return share;
    share = calloc(1, sizeof(*share) + strlen(name) + 1);
    if (!share)
        return NULL;
    share->is_lane = is_lane;
    strcpy(share->name, name);
    share->next = admission->shares;
    admission->shares = share;
    return share;
}

static void forget_if_unused(struct admission *admission, const struct admission_share *share)
{
    struct admission_share **link = &admission->shares;

    if (!share || share->running > 0 || share->waiting > 0)
        return;
    while (*link != share)
        link = &(*link)->next;
    struct admission_share *unused = *link;
    *link = unused->next;
    free(unused);
}

static void forget_place(struct admission *admission, const struct admission_place *place)
{
    forget_if_unused(admission, place->user);
    forget_if_unused(admission, place->lane);
}

static int find_place(struct admission *admission, const struct admission_ticket *ticket,
                      struct admission_place *ret_place, struct ein_error *err)
{
    struct admission_place place = { .user = share_of(admission, ticket->user, false) };

    if (place.user && ticket->lane)
        place.lane = share_of(admission, ticket->lane, true);
    if (!place.user || (ticket->lane && !place.lane)) {
        forget_place(admission, &place);
        return error_no_memory(err);
    }
    *ret_place = place;
    return 0;
}

/* ---- room: all with the lock held ---- */

static bool has_room(const struct admission *admission, const struct admission_ticket *ticket,
                     const struct admission_place *place)
{
    return admission->running < ticket->all.running &&
           place->user->running < ticket->of_user.running &&
           (!place->lane || place->lane->running < ticket->of_lane.running);
}

static void take(struct admission *admission, const struct admission_place *place)
{
    admission->running++;
    place->user->running++;
    if (place->lane)
        place->lane->running++;
}

static void count_waiting(struct admission *admission, const struct admission_place *place, int by)
{
    admission->waiting += (uint32_t)by;
    place->user->waiting += (uint32_t)by;
    if (place->lane)
        place->lane->waiting += (uint32_t)by;
}

static void unlink_waiter(struct admission *admission, struct admission_waiter *waiter)
{
    *(waiter->before ? &waiter->before->next : &admission->first) = waiter->next;
    *(waiter->next ? &waiter->next->before : &admission->last) = waiter->before;
    count_waiting(admission, &waiter->place, -1);
}

/* Whoever has waited longest comes first, unless its user or its lane has no room. */
static void admit(struct admission *admission)
{
    struct admission_waiter *next;

    for (struct admission_waiter *waiter = admission->first; waiter; waiter = next) {
        next = waiter->next;
        if (!has_room(admission, waiter->ticket, &waiter->place))
            continue;
        take(admission, &waiter->place);
        unlink_waiter(admission, waiter);
        waiter->admitted = true;
        pthread_cond_signal(&waiter->woken);
    }
}

/* Which limit is in the way, in words. */
static int refuse(const struct admission *admission, const struct admission_ticket *ticket,
                  const struct admission_place *place, struct ein_error *err)
{
    if (place->lane && place->lane->running >= ticket->of_lane.running)
        return error_set(err, EIN_E_BUSY,
                         "too many agents are running for this deployment (%u, and %u wait)",
                         place->lane->running, place->lane->waiting);
    if (place->user->running >= ticket->of_user.running)
        return error_set(err, EIN_E_BUSY,
                         "too many agents are running for this user (%u, and %u wait)",
                         place->user->running, place->user->waiting);
    return error_set(err, EIN_E_BUSY, "too many agents are running (%u, and %u wait)",
                     admission->running, admission->waiting);
}

static bool may_wait(const struct admission *admission, const struct admission_ticket *ticket,
                     const struct admission_place *place)
{
    return admission->waiting < ticket->all.queue && place->user->waiting < ticket->of_user.queue &&
           (!place->lane || place->lane->waiting < ticket->of_lane.queue);
}

/* ---- waiting ---- */

static void wait_turn(struct admission *admission, struct admission_waiter *waiter)
{
    const struct admission_ticket *ticket = waiter->ticket;
    int64_t deadline_ms = clock_mono_ms() + ticket->queue_ms;

    waiter->before = admission->last;
    *(admission->last ? &admission->last->next : &admission->first) = waiter;
    admission->last = waiter;
    count_waiting(admission, &waiter->place, 1);
    while (!waiter->admitted && !admission->shut && !ticket->cancelled(ticket->data) &&
           clock_mono_ms() < deadline_ms) {
        const struct timespec until = clock_deadline(LOOK_MS);
        (void)pthread_cond_clockwait(&waiter->woken, &admission->lock, CLOCK_MONOTONIC, &until);
    }
    if (!waiter->admitted)
        unlink_waiter(admission, waiter);
}

static int why_not(const struct admission *admission, const struct admission_waiter *waiter,
                   struct ein_error *err)
{
    if (admission->shut)
        return error_set(err, EIN_E_UNAVAILABLE, "the agent runtime is stopping");
    if (waiter->ticket->cancelled(waiter->ticket->data))
        return error_set(err, EIN_E_CANCELLED, "the run was cancelled before it began");
    return refuse(admission, waiter->ticket, &waiter->place, err);
}

static int wait_for_place(struct admission *admission, struct admission_waiter *waiter,
                          struct ein_error *err)
{
    const struct admission_ticket *ticket = waiter->ticket;

    if (admission->shut || ticket->cancelled(ticket->data) ||
        !may_wait(admission, ticket, &waiter->place))
        return why_not(admission, waiter, err);
    pthread_cond_init(&waiter->woken, NULL);
    wait_turn(admission, waiter);
    pthread_cond_destroy(&waiter->woken);
    return waiter->admitted ? 0 : why_not(admission, waiter, err);
}

int admission_enter(struct admission *admission, const struct admission_ticket *ticket,
                    struct admission_place *ret_place, struct ein_error *err)
{
    EIN_LOCKED(&admission->lock);
    struct admission_waiter waiter = { .ticket = ticket };
    int r = find_place(admission, ticket, &waiter.place, err);

    if (r < 0)
        return r;
    if (!admission->shut && has_room(admission, ticket, &waiter.place))
        take(admission, &waiter.place);
    else
        r = wait_for_place(admission, &waiter, err);
    if (r < 0)
        forget_place(admission, &waiter.place);
    else
        *ret_place = waiter.place;
    return r;
}

void admission_leave(struct admission *admission, const struct admission_place *place)
{
    EIN_LOCKED(&admission->lock);

    admission->running--;
    place->user->running--;
    if (place->lane)
        place->lane->running--;
    admit(admission);
    forget_place(admission, place);
}
