/* SPDX-License-Identifier: Apache-2.0 */
#include "purse.h"

#include "account.h"
#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "ids.h"
#include "journal.h"
#include "ledger.h"
#include "map.h"
#include "purse_store.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    CALLS_AHEAD = 16, /* of the bound that did not fit are taken at once */
    KEEP_MS = 500,    /* how often purses are looked at */
    PAY_MAX = 1000,   /* payments of one batch */
    RETRY_MS = 1000   /* after the store has failed */
};

struct purse {
    struct map_entry entry; /* by uid */
    struct purse *next;     /* in the list of who looks at them */
    char *uid;
    char id[PURSE_ID_SIZE];
    bool backed;  /* there is a hold in the store; without one only what is free is handed out */
    bool filling; /* somebody is at the store for it */
    bool gone;    /* its hold has expired: it is out of the map, and goes with its last payment */
    int64_t left;
    int64_t due_ms, reset_at_ms, used_ms;
    size_t calls, payments; /* open; not yet in the store */
};

struct call {
    struct map_entry entry; /* by hold */
    char hold[EIN_HOLD_SIZE];
    struct purse *purse;
    int64_t bound, due_ms, created_us;
};

struct purses {
    pthread_mutex_t lock;
    pthread_cond_t filled, pending; /* a purse; a first payment */
    struct map map;                 /* guarded by lock, as is all below */
    struct map calls;
    struct journal *journal;
    struct payment *first, **last; /* in the journal's active file */
    uint64_t number;               /* of the last call */
    bool stopping;

    pthread_mutex_t flush_lock;
    struct payment *taken; /* guarded by flush_lock: in the journal's other file */
    atomic_size_t count;   /* of payments in both lists */
    atomic_bool works;     /* the store took the last payments */
    pthread_t flusher;
    bool runs; /* the flusher */
};

static int no_memory(struct ein_error *err)
{
    return error_set(err, EIN_E_NO_MEMORY, "out of memory");
}

static struct purse *find_purse(const struct purses *purses, const char *uid)
{
    return (struct purse *)map_find(&purses->map, uid, strlen(uid));
}

static struct call *find_call(const struct purses *purses, const char *hold)
{
    return (struct call *)map_find(&purses->calls, hold, strlen(hold));
}

static int64_t lease_of(const struct users *users, uint32_t lease_ms)
{
    return lease_ms ? lease_ms : users->lease_ms;
}

/* ---- handing out -------------------------------------------------------- */

/* Not what might expire before it can be extended. */
static bool has_enough(const struct users *users, const struct purse *purse, int64_t bound)
{
    int64_t now = now_ms();

    if (now >= purse->reset_at_ms)
        return false;
    return bound == 0 ||
           (purse->backed && purse->left >= bound && now < purse->due_ms - users->lease_ms / 2);
}

static int hand_out(const struct users *users, struct purse *purse, int64_t bound,
                    uint32_t lease_ms, char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    struct purses *purses = users->purses;
    struct call *call = calloc(1, sizeof(*call));

    if (!call)
        return no_memory(err);
    *call = (struct call){ .purse = purse,
                           .bound = bound,
                           .due_ms = now_ms() + lease_of(users, lease_ms),
                           .created_us = now_us() };
    call->entry.key = call->hold;
    call->entry.key_len = (size_t)snprintf(call->hold, sizeof(call->hold), "%s.%" PRIx64, purse->id,
                                           ++purses->number);
    if (map_add(&purses->calls, &call->entry) < 0) {
        free(call);
        return no_memory(err);
    }
    purse->left -= bound;
    purse->used_ms = now_ms();
    purse->calls++;
    memcpy(ret_hold, call->hold, sizeof(call->hold));
    return 1;
}

/* ---- filling ------------------------------------------------------------ */

static void purse_id(char id[PURSE_ID_SIZE])
{
    char uuid[UUID_SIZE];
    size_t len = 0;

    uuid_make(uuid);
    for (const char *at = uuid; *at && len < PURSE_ID_SIZE - 1; at++)
        if (*at != '-')
            id[len++] = *at;
    id[len] = '\0';
}

static struct purse *make_purse(struct purses *purses, const char *uid)
{
    struct purse *purse = calloc(1, sizeof(*purse));

    if (purse)
        purse->uid = strdup(uid);
    if (!purse || !purse->uid) {
        free(purse);
        return NULL;
    }
    purse_id(purse->id);
    purse->entry.key = purse->uid;
    purse->entry.key_len = strlen(purse->uid);
    if (map_add(&purses->map, &purse->entry) == 0)
        return purse;
    free(purse->uid);
    free(purse);
    return NULL;
}

/* How much is worth taking for calls of this bound, where some have cost more than theirs; 0: the
 * account is too small for a purse. */
static int64_t portion(const struct users *users, const struct account *account, int64_t bound,
                       int64_t left)
{
    int64_t share = integer_of(account->money, "remainingNano") / users->purse_share;
    int64_t overdrawn = left < 0 ? -left : 0, ahead;

    if (__builtin_mul_overflow(bound, (int64_t)CALLS_AHEAD, &ahead) ||
        __builtin_add_overflow(ahead, overdrawn, &ahead) || ahead > share)
        ahead = share;
    return ahead < bound + overdrawn ? 0 : ahead;
}

static void purse_free(struct purse *purse)
{
    free(purse->uid);
    free(purse);
}

/* With the lock held. */
static void free_if_gone(struct purse *purse)
{
    if (purse->gone && !purse->filling && purse->calls + purse->payments == 0)
        purse_free(purse);
}

/* Its hold has expired, and all of it was given back: the next one has another id. */
static void lose(struct purses *purses, struct purse *purse)
{
    EIN_LOCKED(&purses->lock);

    map_remove(&purses->map, &purse->entry);
    purse->gone = true;
}

static int take(const struct users *users, struct purse *purse, int64_t by, int64_t due_ms,
                struct ein_error *err)
{
    int r = purse_store_take(users, purse->uid, purse->id, !purse->backed, by, due_ms, err);

    if (r == 0) {
        EIN_LOCKED(&users->purses->lock);
        purse->backed = true;
        purse->left += by;
        purse->due_ms = due_ms;
    }
    if (r == EIN_E_NOT_FOUND)
        lose(users->purses, purse);
    return r;
}

/* 1: try again; 0: it cannot be had. */
static int fill_from_store(const struct users *users, struct purse *purse, int64_t bound,
                           struct ein_error *err)
{
    EIN_ACCOUNT struct account account = { 0 };
    int r = account_get(users, purse->uid, NULL, &account, err);
    int64_t by;

    if (r < 0)
        return r;
    {
        EIN_LOCKED(&users->purses->lock);
        purse->reset_at_ms = integer_of(account.user, "resetAtMs");
        by = portion(users, &account, bound, purse->left);
    }
    if (bound == 0)
        return 1;
    r = by == 0 ? EIN_E_CONFLICT : take(users, purse, by, now_ms() + users->lease_ms, err);
    return r == 0 || r == EIN_E_NOT_FOUND ? 1 : r == EIN_E_CONFLICT ? 0 : r;
}

/* With the lock held, which it gives away while it asks the store. */
static int fill(const struct users *users, struct purse *purse, int64_t bound,
                struct ein_error *err)
{
    struct purses *purses = users->purses;

    if (purse->filling) {
        (void)pthread_cond_wait(&purses->filled, &purses->lock);
        return 1;
    }
    purse->filling = true;
    (void)pthread_mutex_unlock(&purses->lock);
    int r = fill_from_store(users, purse, bound, err);
    (void)pthread_mutex_lock(&purses->lock);
    purse->filling = false;
    (void)pthread_cond_broadcast(&purses->filled);
    free_if_gone(purse);
    return r;
}

int purse_reserve(const struct users *users, const char *uid, int64_t bound, uint32_t lease_ms,
                  char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    struct purses *purses = users->purses;
    int r = 1;

    if (!purses || !uid || !*uid || strlen(uid) > UID_MAX)
        return 0;
    EIN_LOCKED(&purses->lock);
    while (r == 1 && !purses->stopping) {
        struct purse *purse = find_purse(purses, uid);
        if (!purse)
            purse = make_purse(purses, uid);
        if (!purse)
            return no_memory(err);
        if (has_enough(users, purse, bound))
            return hand_out(users, purse, bound, lease_ms, ret_hold, err);
        r = fill(users, purse, bound, err);
    }
    return r < 0 ? r : 0;
}

/* ---- taking back -------------------------------------------------------- */

/* With the lock held. */
static void end_call(struct purses *purses, struct call *call, int64_t cost)
{
    struct purse *purse = call->purse;

    purse->left += call->bound - cost;
    purse->calls--;
    map_remove(&purses->calls, &call->entry);
    free(call);
    free_if_gone(purse);
}

int purse_extend(const struct users *users, const char *hold, uint32_t lease_ms)
{
    struct purses *purses = users->purses;

    if (!purses)
        return EIN_E_NOT_FOUND;
    EIN_LOCKED(&purses->lock);
    struct call *call = find_call(purses, hold);
    if (!call)
        return EIN_E_NOT_FOUND;
    call->due_ms = now_ms() + lease_of(users, lease_ms);
    return 0;
}

int purse_release(const struct users *users, const char *hold)
{
    struct purses *purses = users->purses;

    if (!purses)
        return EIN_E_NOT_FOUND;
    EIN_LOCKED(&purses->lock);
    struct call *call = find_call(purses, hold);
    if (!call)
        return EIN_E_NOT_FOUND;
    end_call(purses, call, 0);
    return 0;
}

/* ---- settling ----------------------------------------------------------- */

static char *make_line(const struct users *users, const struct payment *payment, size_t *ret_len)
{
    const struct purse *purse = payment->purse;
    char *doc = users->host->json_text(payment->doc, NULL), *line = NULL;
    int len = -1;

    if (doc && payment->backed)
        len = asprintf(&line, "{\"purse\":\"%s\",\"hold\":\"%s\",\"entry\":%s}\n", purse->id,
                       payment->hold, doc);
    else if (doc)
        len = asprintf(&line, "{\"hold\":\"%s\",\"entry\":%s}\n", payment->hold, doc);
    users->host->mem_free(doc);
    if (len < 0)
        return NULL;
    *ret_len = (size_t)len;
    return line;
}

static void payment_free(struct payment *payment)
{
    if (payment)
        json_decref(payment->doc);
    free(payment);
}

/* With the lock held: in the journal, and on the way to the store. */
static int note(const struct users *users, struct payment *payment, struct ein_error *err)
{
    struct purses *purses = users->purses;
    size_t len = 0;
    EIN_FREE char *line = make_line(users, payment, &len);
    int r = line ? journal_append(purses->journal, line, len, err) : no_memory(err);

    if (r < 0)
        return r;
    *purses->last = payment;
    purses->last = &payment->next;
    payment->purse->payments++;
    if (atomic_fetch_add(&purses->count, 1) == 0)
        (void)pthread_cond_signal(&purses->pending);
    return 0;
}

static struct payment *make_payment(const char *hold, const struct ein_ledger_entry *entry)
{
    struct payment *payment = calloc(1, sizeof(*payment));

    if (!payment)
        return NULL;
    (void)snprintf(payment->hold, sizeof(payment->hold), "%s", hold);
    payment->doc = entry_make(entry);
    if (payment->doc)
        return payment;
    payment_free(payment);
    return NULL;
}

static int pay(const struct users *users, struct payment *payment, int64_t cost,
               struct ein_error *err)
{
    struct purses *purses = users->purses;
    EIN_LOCKED(&purses->lock);
    struct call *call = find_call(purses, payment->hold);

    if (!call)
        return EIN_E_NOT_FOUND;
    if (strcmp(call->purse->uid, text_of(payment->doc, "userId")) != 0)
        return error_set(err, EIN_E_INVALID, "The hold %.40s is another user's", payment->hold);
    payment->purse = call->purse;
    payment->backed = call->purse->backed;
    int r = note(users, payment, err);
    if (r == 0)
        end_call(purses, call, payment->backed ? cost : 0);
    return r;
}

int purse_settle(const struct users *users, const char *hold, const struct ein_ledger_entry *entry,
                 struct ein_error *err)
{
    struct payment *payment;
    int r;

    if (!users->purses)
        return EIN_E_NOT_FOUND;
    if (atomic_load(&users->purses->count) >= users->settle_pending &&
        (r = purse_flush(users, err)) < 0)
        return r;
    payment = make_payment(hold, entry);
    r = payment ? pay(users, payment, entry->cost, err) : no_memory(err);
    if (r < 0)
        payment_free(payment);
    return r;
}

/* ---- to the store ------------------------------------------------------- */

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
    int r = purse_store_enter(users, payment->backed ? payment->purse->id : NULL, payment->hold,
                              payment->doc, err);

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
    int r = purse_store_pay(users, purse->uid, first->backed ? purse->id : NULL, first, count, err);

    if (r != EIN_E_CONFLICT && r != EIN_E_NOT_FOUND)
        return r;
    r = 0;
    for (const struct payment *it = first; r == 0 && count > 0; it = it->next, count--)
        r = enter_one(users, it, err);
    return r;
}

static void forget_run(struct purses *purses, size_t count)
{
    struct payment *next;

    EIN_LOCKED(&purses->lock);
    atomic_fetch_sub(&purses->count, count);
    for (; count > 0; count--) {
        struct purse *purse = purses->taken->purse;
        next = purses->taken->next;
        payment_free(purses->taken);
        purse->payments--;
        free_if_gone(purse);
        purses->taken = next;
    }
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

static void turn(struct purses *purses)
{
    EIN_LOCKED(&purses->lock);

    purses->taken = sort_by_purse(purses->first);
    purses->first = NULL;
    purses->last = &purses->first;
    journal_turn(purses->journal);
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
        turn(purses);
        r = empty_taken(users, err);
    }
    atomic_store(&purses->works, r == 0);
    return r;
}

/* ---- the flusher -------------------------------------------------------- */

static void wait_ms(struct purses *purses, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!purses->stopping &&
           pthread_cond_timedwait(&purses->pending, &purses->lock, &until) == 0)
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

static void *flusher(void *data)
{
    const struct users *users = data;
    struct ein_error err;

    while (wait_for_payments(users)) {
        bool worked = atomic_load(&users->purses->works);
        if (purse_flush(users, &err) < 0 && worked)
            users->host->log_msg(users->ctx, EIN_ERROR,
                                 "What calls have cost cannot be entered, and waits in the "
                                 "journal: %s",
                                 err.text);
    }
    return NULL;
}

/* ---- looking after purses ----------------------------------------------- */

/* With the lock held: nobody else is at the store for it from here on. */
static bool claim_purse(struct purse *purse)
{
    if (purse->filling)
        return false;
    purse->filling = true;
    return true;
}

static void unclaim(struct purses *purses, struct purse *purse)
{
    EIN_LOCKED(&purses->lock);

    purse->filling = false;
    (void)pthread_cond_broadcast(&purses->filled);
    free_if_gone(purse);
}

static void give_back(const struct users *users, struct purse *purse)
{
    struct purses *purses = users->purses;
    int64_t by = 0;

    {
        EIN_LOCKED(&purses->lock);
        if (purse->backed && purse->left > 0) {
            by = purse->left;
            purse->left = 0;
        }
    }
    if (by > 0 && purse_store_give(users, purse->uid, purse->id, by, false, NULL) < 0) {
        EIN_LOCKED(&purses->lock);
        purse->left += by; /* or it goes back with the lease */
    }
}

void purse_shrink(const struct users *users, const char *uid)
{
    struct purses *purses = users->purses;
    struct purse *purse;

    if (!purses)
        return;
    {
        EIN_LOCKED(&purses->lock);
        while ((purse = find_purse(purses, uid)) && !claim_purse(purse))
            (void)pthread_cond_wait(&purses->filled, &purses->lock);
    }
    if (!purse)
        return;
    give_back(users, purse);
    unclaim(purses, purse);
}

/* Nobody has it any more. */
static void end_purse(const struct users *users, struct purse *purse)
{
    if (purse->backed)
        (void)purse_store_give(users, purse->uid, purse->id, purse->left, true, NULL);
    purse_free(purse);
}

/* Another server, or an administrator, has left less than there was. */
static bool is_wanted_back(const struct users *users, const struct purse *purse)
{
    EIN_JSON json_t *money = NULL;

    return users->host->store->get(users->ctx, ACCOUNTS_SET, purse->uid, &money, NULL) == 0 &&
           integer_of(money, "remainingNano") <= users->minimum;
}

static void look_after(const struct users *users, struct purse *purse)
{
    int64_t due_ms = now_ms() + users->lease_ms;
    int r;

    if (is_wanted_back(users, purse))
        give_back(users, purse);
    if (due_ms - purse->due_ms < users->lease_ms / 4)
        return;
    r = purse_store_extend(users, purse->id, due_ms, NULL);
    if (r == 0) {
        EIN_LOCKED(&users->purses->lock);
        purse->due_ms = due_ms;
    }
    if (r == EIN_E_NOT_FOUND) /* this machine was asleep */
        lose(users->purses, purse);
}

/* With the lock held: the purses to end, which are out of the map, and those to look after. */
static void sort_purses(const struct users *users, struct purse **ret_end, struct purse **ret_look)
{
    struct purses *purses = users->purses;
    int64_t now = now_ms();

    for (size_t i = 0; i < purses->map.slot_count; i++) {
        struct map_entry *next;
        for (struct map_entry *entry = purses->map.slots[i]; entry; entry = next) {
            struct purse *purse = (struct purse *)entry;
            bool idle = purse->calls + purse->payments == 0 &&
                        (now - purse->used_ms >= users->purse_idle_ms || purses->stopping);
            next = entry->next;
            if ((!idle && !purse->backed) || !claim_purse(purse))
                continue;
            if (idle)
                map_remove(&purses->map, entry);
            purse->next = idle ? *ret_end : *ret_look;
            *(idle ? ret_end : ret_look) = purse;
        }
    }
}

static void expire_call(const struct users *users, struct call *call)
{
    if (purse_store_expire(users, call->purse->uid, call->hold, call->bound, call->created_us,
                           NULL) < 0)
        return;
    users->host->log_msg(users->ctx, EIN_WARN,
                         "The hold %s of %s has ended without a word of what the call has cost: "
                         "it was given back",
                         call->hold, call->purse->uid);
}

/* With the lock held, which is fine for what ought not to happen. */
static void expire_calls(const struct users *users)
{
    struct purses *purses = users->purses;
    int64_t now = now_ms();

    for (size_t i = 0; i < purses->calls.slot_count; i++) {
        struct map_entry *next;
        for (struct map_entry *entry = purses->calls.slots[i]; entry; entry = next) {
            struct call *call = (struct call *)entry;
            next = entry->next;
            if (call->due_ms > now)
                continue;
            expire_call(users, call);
            end_call(purses, call, 0);
        }
    }
}

static void keep(void *data)
{
    const struct users *users = data;
    struct purses *purses = users->purses;
    struct purse *end = NULL, *look = NULL, *next;

    {
        EIN_LOCKED(&purses->lock);
        expire_calls(users);
        sort_purses(users, &end, &look);
    }
    for (; end; end = next) {
        next = end->next;
        end_purse(users, end);
    }
    for (; look; look = next) {
        next = look->next;
        look_after(users, look);
        unclaim(purses, look);
    }
}

/* ---- opening and closing ------------------------------------------------ */

/* A line of a server that has died. */
static int recover(const char *line, size_t len, void *data, struct ein_error *err)
{
    const struct users *users = data;
    EIN_JSON json_t *said = json_loadb(line, len, 0, NULL);
    const char *hold = text_of(said, "hold");
    const json_t *entry = json_object_get(said, "entry");
    int r = 1;

    if (hold && strlen(hold) < EIN_HOLD_SIZE && json_is_object(entry))
        r = purse_store_enter(users, text_of(said, "purse"), hold, entry, err);
    if (r > 0)
        users->host->log_msg(users->ctx, EIN_WARN,
                             "A line of the journal is of another store, or damaged: it is left "
                             "out");
    return r < 0 ? r : 0;
}

static int begin(struct users *users, struct ein_error *err)
{
    struct purses *purses = users->purses;
    int r = journal_open(users->journal_folder, recover, users, &purses->journal, err);

    if (r < 0)
        return r;
    purses->runs = pthread_create(&purses->flusher, NULL, flusher, users) == 0;
    if (!purses->runs)
        return error_set(err, EIN_E_UNAVAILABLE, "no thread for the ledger");
    return users->host->every(users->ctx, KEEP_MS, keep, users);
}

int purses_open(struct users *users, struct ein_error *err)
{
    struct purses *purses;
    pthread_condattr_t monotonic;

    if (!*users->journal_folder)
        return 0;
    purses = calloc(1, sizeof(*purses));
    if (!purses || map_init(&purses->map) < 0 || map_init(&purses->calls) < 0) {
        free(purses);
        return no_memory(err);
    }
    purses->last = &purses->first;
    atomic_store(&purses->works, true);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&purses->lock, NULL);
    (void)pthread_mutex_init(&purses->flush_lock, NULL);
    (void)pthread_cond_init(&purses->filled, NULL);
    (void)pthread_cond_init(&purses->pending, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    users->purses = purses;
    return begin(users, err);
}

void purses_stop(struct users *users)
{
    struct purses *purses = users->purses;
    struct ein_error err;

    if (!purses)
        return;
    {
        EIN_LOCKED(&purses->lock);
        purses->stopping = true;
        (void)pthread_cond_broadcast(&purses->pending);
        (void)pthread_cond_broadcast(&purses->filled);
    }
    if (purses->runs)
        (void)pthread_join(purses->flusher, NULL);
    purses->runs = false;
    if (purses->journal && purse_flush(users, &err) < 0)
        users->host->log_msg(users->ctx, EIN_ERROR,
                             "What calls have cost is in the journal, and not in the store: %s",
                             err.text);
    keep(users);
}

static void drop_purse(struct map_entry *entry)
{
    purse_free((struct purse *)entry);
}

static void drop_call(struct map_entry *entry)
{
    free(entry);
}

void purses_close(struct users *users)
{
    struct purses *purses = users->purses;

    if (!purses)
        return;
    purses_stop(users); /* what calls have settled since */
    map_done(&purses->calls, drop_call);
    map_done(&purses->map, drop_purse);
    while (purses->first || purses->taken) {
        struct payment **list = purses->taken ? &purses->taken : &purses->first, *next;
        next = (*list)->next;
        payment_free(*list);
        *list = next;
    }
    journal_close(purses->journal);
    (void)pthread_mutex_destroy(&purses->lock);
    (void)pthread_mutex_destroy(&purses->flush_lock);
    (void)pthread_cond_destroy(&purses->filled);
    (void)pthread_cond_destroy(&purses->pending);
    free(purses);
    users->purses = NULL;
}
