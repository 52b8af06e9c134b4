/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_inside.h"

#include "account.h"
#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "ids.h"
#include "str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CALLS_AHEAD = 16, /* of the bound that did not fit are taken at once */
    LINE_MAX_AROUND = 64 + PURSE_ID_SIZE + EIN_HOLD_SIZE /* bytes of a line beside its entry */
};

struct purse *purse_find(const struct purses *purses, const char *uid)
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

/* ---- handing out ---- */

/* Not what might expire before it can be extended. */
static bool has_enough(const struct users *users, const struct purse *purse, int64_t bound)
{
    int64_t now = clock_wall_ms();

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
        return error_no_memory(err);
    *call = (struct call){ .purse = purse,
                           .bound = bound,
                           .due_ms = clock_wall_ms() + lease_of(users, lease_ms),
                           .created_us = clock_wall_us() };
    call->entry.key = call->hold;
    call->entry.key_len = (size_t)snprintf(call->hold, sizeof(call->hold), "%s.%" PRIx64, purse->id,
                                           ++purses->number);
    if (map_add(&purses->calls, &call->entry) < 0) {
        free(call);
        return error_no_memory(err);
    }
    purse->left -= bound;
    purse->used_ms = clock_wall_ms();
    purse->calls++;
    memcpy(ret_hold, call->hold, sizeof(call->hold));
    return 1;
}

/* ---- filling ---- */

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

void purse_free(struct purse *purse)
{
    free(purse->uid);
    free(purse);
}

/* With the lock held. */
void purse_free_if_gone(struct purse *purse)
{
    if (purse->gone && !purse->filling && purse->calls + purse->payments == 0)
        purse_free(purse);
}

/* Its hold has expired, and all of it was given back: the next one has another id. */
void purse_lose(struct purses *purses, struct purse *purse)
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
        purse_lose(users->purses, purse);
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
    r = by == 0 ? EIN_E_CONFLICT : take(users, purse, by, clock_wall_ms() + users->lease_ms, err);
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
    purse_free_if_gone(purse);
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
        struct purse *purse = purse_find(purses, uid);
        if (!purse)
            purse = make_purse(purses, uid);
        if (!purse)
            return error_no_memory(err);
        if (has_enough(users, purse, bound))
            return hand_out(users, purse, bound, lease_ms, ret_hold, err);
        r = fill(users, purse, bound, err);
    }
    return r < 0 ? r : 0;
}

/* ---- taking back ---- */

/* With the lock held. */
void purse_end_call(struct purses *purses, struct call *call, int64_t cost)
{
    struct purse *purse = call->purse;

    purse->left += call->bound - cost;
    purse->calls--;
    map_remove(&purses->calls, &call->entry);
    free(call);
    purse_free_if_gone(purse);
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
    call->due_ms = clock_wall_ms() + lease_of(users, lease_ms);
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
    purse_end_call(purses, call, 0);
    return 0;
}

/* ---- settling ---- */

/* {"purse": its id, "hold": id, "entry": document}; without a purse that is in the store, none. */
static char *make_line(const struct payment *payment, size_t *ret_len)
{
    char *line = malloc(LINE_MAX_AROUND + strlen(payment->text)), *at = line;

    if (!line)
        return NULL;
    at = stpcpy(at, "{");
    if (payment->backed)
        at = stpcpy(stpcpy(stpcpy(at, "\"purse\":\""), payment->purse->id), "\",");
    at = stpcpy(stpcpy(at, "\"hold\":\""), payment->hold);
    at = stpcpy(stpcpy(stpcpy(at, "\",\"entry\":"), payment->text), "}\n");
    *ret_len = (size_t)(at - line);
    return line;
}

void payments_free(struct payment *first)
{
    for (struct payment *next; first; first = next) {
        next = first->next;
        free(first->text);
        free(first);
    }
}

/* With the lock held: in the journal, and on the way to the store. */
static int note(struct purses *purses, struct payment *payment, struct ein_error *err)
{
    size_t len;
    EIN_FREE char *line = make_line(payment, &len);
    int r = line ? journal_append(purses->journal, line, len, err) : error_no_memory(err);

    if (r < 0)
        return r;
    *purses->last = payment;
    purses->last = &payment->next;
    payment->purse->payments++;
    if (atomic_fetch_add(&purses->count, 1) == 0)
        (void)pthread_cond_signal(&purses->pending);
    return 0;
}

static int pay(struct purses *purses, struct payment *payment, const char *uid,
               struct ein_error *err)
{
    EIN_LOCKED(&purses->lock);
    struct call *call = find_call(purses, payment->hold);

    if (!call)
        return EIN_E_NOT_FOUND;
    if (strcmp(call->purse->uid, uid) != 0)
        return error_set(err, EIN_E_INVALID, "The hold %.40s is another user's", payment->hold);
    payment->purse = call->purse;
    payment->backed = call->purse->backed;
    int r = note(purses, payment, err);
    if (r == 0)
        purse_end_call(purses, call, payment->backed ? payment->cost : 0);
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
    payment = calloc(1, sizeof(*payment));
    if (!payment)
        return error_no_memory(err);
    payment->cost = entry->cost;
    str_copy(payment->hold, sizeof(payment->hold), hold);
    r = entry_write(users->host, entry, &payment->text, err);
    if (r == 0)
        r = pay(users->purses, payment, entry->user_id, err);
    if (r < 0)
        payments_free(payment);
    return r;
}
