/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_inside.h"

#include "account.h"
#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "hex.h"
#include "ids.h"
#include "str.h"

#include <endian.h>
#include <string.h>

enum {
    CALLS_AHEAD = 16, /* of the bound that did not fit are taken at once */
    LINE_MAX_AROUND =
        64 + PURSE_ID_SIZE + BUDGET_ID_SIZE + EIN_HOLD_SIZE /* bytes of a line beside its entry */
};

struct account_ids purse_account_ids(const struct purse *purse)
{
    return (struct account_ids){ purse->uid, *purse->budget ? purse->budget : NULL };
}

/* A purse is found by its budget and the NUL behind that, which no id of a user has, or else by its
 * user. */
static const char *key_of(const char *uid, const char *budget, size_t *ret_len)
{
    *ret_len = *budget ? strlen(budget) + 1 : strlen(uid);
    return *budget ? budget : uid;
}

/* NULL: there is none. */
static struct purse *find_purse(const struct purses *purses, const struct payer *payer)
{
    size_t len;
    const char *key = key_of(payer->uid, payer->budget, &len);

    return (struct purse *)map_find(&purses->map, key, len);
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

static int64_t limit_of(const struct payer *payer)
{
    return payer->key ? payer->key->limit : 0;
}

/* Not what might expire before it can be extended. */
static bool has_enough(const struct users *users, const struct purse *purse,
                       const struct payer *payer, int64_t bound)
{
    int64_t now = clock_wall_ms();

    if (now >= purse->reset_at_ms || purse->limit != limit_of(payer))
        return false;
    return bound == 0
               ? purse->solvent
               : purse->backed && purse->left >= bound && now < purse->due_ms - users->lease_ms / 2;
}

static int hand_out(const struct users *users, struct purse *purse, int64_t bound,
                    uint32_t lease_ms, char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    struct purses *purses = users->purses;
    struct call *call = malloc(sizeof(*call));
    const uint64_t number = htobe64(++purses->number);
    char digits[2 * sizeof(number) + 1], *end;

    if (!call)
        return error_no_memory(err);
    *call = (struct call){ .purse = purse,
                           .bound = bound,
                           .due_ms = clock_wall_ms() + lease_of(users, lease_ms),
                           .created_us = clock_wall_us() };
    call->entry.key = call->hold;
    hex_encode(&number, sizeof(number), digits);
    end = stpcpy(stpcpy(stpcpy(call->hold, purse->id), "."), digits + strspn(digits, "0"));
    call->entry.key_len = (size_t)(end - call->hold);
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

static struct purse *make_purse(struct purses *purses, const struct payer *payer)
{
    size_t len = strlen(payer->uid);
    struct purse *purse = calloc(1, sizeof(*purse) + len + 1);

    if (!purse)
        return NULL;
    memcpy(purse->uid, payer->uid, len);
    memcpy(purse->budget, payer->budget, sizeof(purse->budget));
    purse_id(purse->id);
    purse->entry.key = key_of(purse->uid, purse->budget, &purse->entry.key_len);
    if (map_add(&purses->map, &purse->entry) == 0)
        return purse;
    free(purse);
    return NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How much is worth taking for calls of this bound, of what remains; 0: the account is too small
 * for a purse. */
static int64_t portion(const struct users *users, int64_t remains, int64_t bound)
{
    int64_t share = remains / users->purse_share, ahead;

    if (__builtin_mul_overflow(bound, (int64_t)CALLS_AHEAD, &ahead) || ahead > share)
        ahead = share;
    return ahead < bound ? 0 : ahead;
}

/* With the lock held. */
void purse_free_if_gone(struct purse *purse)
{
    if (purse->gone && !purse->filling && purse->calls + purse->payments == 0)
        free(purse);
}

/* Its hold has expired, and all of it was given back, or will be: the next one has another id. */
void purse_lose(struct purses *purses, struct purse *purse)
{
    EIN_LOCKED(&purses->lock);

    if (!purse->gone)
        map_remove(&purses->map, &purse->entry);
    purse->gone = true;
}

static int take(const struct users *users, struct purse *purse, int64_t by, int64_t due_ms,
                struct ein_error *err)
{
    const struct account_ids of = purse_account_ids(purse);
    int r = purse_store_take(users, &of, purse->id, !purse->backed, by, due_ms, err);

    if (r == 0) {
        EIN_LOCKED(&users->purses->lock);
        purse->backed = true;
        purse->left += by;
        purse->due_ms = due_ms;
    }
    if (r == EIN_E_NOT_FOUND || purse_is_unsure(r))
        purse_lose(users->purses, purse);
    return r;
}

/* What remains to who pays, all settled calls subtracted, and when that will be more. */
static int look(const struct users *users, const struct payer *payer, int64_t *ret_remains,
                int64_t *ret_reset_ms, struct ein_error *err)
{
    EIN_ACCOUNT struct account account = { 0 };
    EIN_JSON json_t *budget = NULL;
    int r = account_get(users, payer->uid, NULL, &account, err);

    if (r == 0 && payer->key)
        r = key_budget_ensure(users, payer, &budget, err);
    if (r < 0)
        return r;
    *ret_reset_ms = integer_of(account.user, "resetAtMs");
    *ret_remains = integer_of(account.money, "remainingNano");
    if (payer->key)
        *ret_remains = smaller(*ret_remains, integer_of(budget, "remainingNano"));
    return 0;
}

/* 1: try again; 0: it cannot be had. */
static int fill_from_store(const struct users *users, struct purse *purse,
                           const struct payer *payer, int64_t bound, struct ein_error *err)
{
    int64_t remains = 0, reset_ms = 0, by;

    if (purse_is_overdrawn(users->purses, purse) || purse->limit != limit_of(payer))
        purse_give_back(users, purse);
    int r = look(users, payer, &remains, &reset_ms, err);
    if (r < 0)
        return r;
    {
        EIN_LOCKED(&users->purses->lock);
        purse->reset_at_ms = reset_ms;
        purse->limit = limit_of(payer);
        purse->solvent = remains >= 0;
    }
    if (bound == 0)
        return remains >= 0;
    by = portion(users, remains, bound);
    r = by == 0 ? EIN_E_CONFLICT : take(users, purse, by, clock_wall_ms() + users->lease_ms, err);
    return r == 0 || r == EIN_E_NOT_FOUND ? 1 : r == EIN_E_CONFLICT ? 0 : r;
}

/* With the lock held, which it gives away while it asks the store. */
static int fill(const struct users *users, struct purse *purse, const struct payer *payer,
                int64_t bound, struct ein_error *err)
{
    struct purses *purses = users->purses;

    if (purse->filling) {
        (void)pthread_cond_wait(&purses->filled, &purses->lock);
        return 1;
    }
    purse->filling = true;
    (void)pthread_mutex_unlock(&purses->lock);
    int r = fill_from_store(users, purse, payer, bound, err);
    (void)pthread_mutex_lock(&purses->lock);
    purse->filling = false;
    (void)pthread_cond_broadcast(&purses->filled);
    purse_free_if_gone(purse);
    return r;
}

int purse_reserve(const struct users *users, const struct payer *payer, int64_t bound,
                  uint32_t lease_ms, char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    struct purses *purses = users->purses;
    const char *uid = payer->uid;
    int r = 1;

    if (!purses || !uid || !*uid || strlen(uid) > UID_MAX)
        return 0;
    EIN_LOCKED(&purses->lock);
    while (r == 1 && !purses->stopping) {
        struct purse *purse = find_purse(purses, payer);
        if (!purse)
            purse = make_purse(purses, payer);
        if (!purse)
            return error_no_memory(err);
        if (strcmp(purse->uid, uid) != 0)
            return 0; /* which refuses a key of somebody else */
        if (has_enough(users, purse, payer, bound))
            return hand_out(users, purse, bound, lease_ms, ret_hold, err);
        r = fill(users, purse, payer, bound, err);
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

/* {"purse": its id, "budget": its key's account, "hold": id, "entry": document}; without a purse
 * that is in the store, none; without a budget, none. */
static char *make_line(const struct payment *payment, size_t *ret_len)
{
    char *line = malloc(LINE_MAX_AROUND + strlen(payment->text)), *at = line;

    if (!line)
        return NULL;
    at = stpcpy(at, "{");
    if (payment->backed)
        at = stpcpy(stpcpy(stpcpy(at, "\"purse\":\""), payment->purse->id), "\",");
    if (*payment->purse->budget)
        at = stpcpy(stpcpy(stpcpy(at, "\"budget\":\""), payment->purse->budget), "\",");
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
    if (payment->cost > 0)
        call->purse->solvent = false;
    int r = note(purses, payment, err);
    if (r == 0)
        purse_end_call(purses, call, payment->backed ? payment->cost : 0);
    else if (r == EIN_E_UNAVAILABLE)
        payment->purse->payments++; /* pay_now()'s */
    return r;
}

/* The journal's disk is full, but the store may have kept space, or have another disk. */
static int pay_now(const struct users *users, struct payment *payment, struct ein_error *err)
{
    struct purses *purses = users->purses;
    struct purse *purse = payment->purse;
    const struct account_ids of = purse_account_ids(purse);
    int r = purse_store_enter(users, &of, payment->backed ? purse->id : NULL, payment, err);
    EIN_LOCKED(&purses->lock);
    struct call *call = find_call(purses, payment->hold);

    purse->payments--;
    if (call && r >= 0)
        purse_end_call(purses, call, payment->backed ? payment->cost : 0);
    else
        purse_free_if_gone(purse);
    return r < 0 ? r : 0;
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
    payment = malloc(sizeof(*payment));
    if (!payment)
        return error_no_memory(err);
    *payment = (struct payment){ .cost = entry->cost };
    str_copy(payment->hold, sizeof(payment->hold), hold);
    r = entry_write(users->host, entry, &payment->text, err);
    if (r == 0)
        r = pay(users->purses, payment, entry->user_id, err);
    if (r == 0)
        return 0;
    if (r == EIN_E_UNAVAILABLE)
        r = pay_now(users, payment, err);
    payments_free(payment);
    return r;
}
