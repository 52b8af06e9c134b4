/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_inside.h"

#include "cleanup.h"

#include <time.h>

enum {
    PAY_MAX = 1000, /* payments of one batch */
    RETRY_MS = 1000 /* after the store has failed */
};

/* How many of the first come out of one purse, at most PAY_MAX. */
static size_t run_of(const struct payment *first)
{
    size_t count = 0;

    for (const struct payment *it = first;
         it && it->purse == first->purse && it->backed == first->backed && count < PAY_MAX;
         it = it->next)
        count++;
    return count;
}

static int enter_one(const struct users *users, const struct payment *payment,
                     struct ein_error *err)
{
    const struct purse *purse = payment->purse;
    const struct account_ids of = purse_account_ids(purse);
    int r = purse_store_enter(users, &of, payment->backed ? purse->id : NULL, payment, err);

    if (r > 0) /* its hold vanished: somebody has emptied the store under us */
        users->host->log_msg(users->ctx, EIN_ERROR,
                             "The call %s was paid out of a purse that is not in the store",
                             payment->hold);
    return r < 0 ? r : 0;
}

static int pay_run(const struct users *users, struct payment *first, size_t count,
                   struct ein_error *err)
{
    const struct purse *purse = first->purse;
    const struct account_ids of = purse_account_ids(purse);
    int r = purse_store_pay(users, &of, first->backed ? purse->id : NULL, first, count, err);

    if (r != EIN_E_CONFLICT && r != EIN_E_NOT_FOUND)
        return r;
    r = 0;
    for (const struct payment *it = first; r == 0 && count > 0; it = it->next, count--)
        r = enter_one(users, it, err);
    return r;
}

/* They are freed behind the lock: nobody's call waits for that. */
static void forget_run(struct purses *purses, size_t count)
{
    struct payment *first = purses->taken, *last = NULL;
    struct purse *purse = first->purse;

    for (size_t i = 0; i < count; i++) {
        last = purses->taken;
        purses->taken = last->next;
    }
    last->next = NULL;
    payments_free(first);
    atomic_fetch_sub(&purses->count, count);
    EIN_LOCKED(&purses->lock);
    purse->payments -= count;
    purse_free_if_gone(purse);
}

/* Payments of one purse stand together: fewer, larger batches. */
static struct payment *sort_by_purse(struct payment *list)
{
    struct payment *sorted = NULL, **end = &sorted;

    while (list) {
        const struct purse *purse = list->purse;
        struct payment **at = &list;
        while (*at) {
            struct payment *it = *at;
            if (it->purse != purse) {
                at = &it->next;
                continue;
            }
            *at = it->next;
            it->next = NULL;
            *end = it;
            end = &it->next;
        }
    }
    return sorted;
}

static struct payment *take_all(struct purses *purses)
{
    EIN_LOCKED(&purses->lock);
    struct payment *first = purses->first;

    purses->first = NULL;
    purses->last = &purses->first;
    journal_turn(purses->journal);
    return first;
}

static int empty_taken(const struct users *users, struct ein_error *err)
{
    struct purses *purses = users->purses;

    while (purses->taken) {
        size_t count = run_of(purses->taken);
        int r = pay_run(users, purses->taken, count, err);
        if (r < 0)
            return r;
        forget_run(purses, count);
    }
    return journal_forget(purses->journal, err);
}

int purse_flush(const struct users *users, struct ein_error *err)
{
    struct purses *purses = users->purses;
    int r = 0;

    if (!purses || atomic_load(&purses->count) == 0)
        return 0;
    EIN_LOCKED(&purses->flush_lock);
    if (purses->taken) /* the last one has failed */
        r = empty_taken(users, err);
    if (r == 0) {
        purses->taken = sort_by_purse(take_all(purses));
        r = empty_taken(users, err);
    }
    atomic_store(&purses->works, r == 0);
    return r;
}

/* ---- the flusher ---- */

static void wait_ms(struct purses *purses, int64_t ms)
{
    const struct timespec until = clock_deadline(ms);

    while (!purses->stopping &&
           pthread_cond_clockwait(&purses->pending, &purses->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
}

static bool wait_for_payments(const struct users *users)
{
    struct purses *purses = users->purses;
    EIN_LOCKED(&purses->lock);

    while (!purses->stopping && atomic_load(&purses->count) == 0)
        (void)pthread_cond_wait(&purses->pending, &purses->lock);
    if (!purses->stopping)
        wait_ms(purses, atomic_load(&purses->works) ? users->settle_ms : RETRY_MS);
    return !purses->stopping;
}

void *purse_flusher(void *data)
{
    const struct users *users = data;
    struct ein_error err;

    (void)pthread_setname_np(pthread_self(), "ein-ledger");
    while (wait_for_payments(users)) {
        bool worked = atomic_load(&users->purses->works);
        if (purse_flush(users, &err) < 0 && worked)
            users->host->log_msg(
                users->ctx, EIN_ERROR,
                "Costs of calls cannot be written to the store and wait in the journal: %s",
                err.text);
    }
    return NULL;
}
