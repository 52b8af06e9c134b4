/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_inside.h"

#include "cleanup.h"

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
    purse_free_if_gone(purse);
}

bool purse_is_overdrawn(struct purses *purses, const struct purse *purse)
{
    EIN_LOCKED(&purses->lock);

    return purse->left < 0;
}

void purse_give_back(const struct users *users, struct purse *purse)
{
    const struct account_ids of = purse_account_ids(purse);
    struct purses *purses = users->purses;
    int64_t by = 0;

    {
        EIN_LOCKED(&purses->lock);
        if (purse->backed) {
            by = purse->left;
            purse->left = 0;
        }
    }
    int r = by == 0 ? 0 : purse_store_give(users, &of, purse->id, by, false);
    if (purse_is_unsure(r)) {
        purse_lose(purses, purse);
    } else if (r < 0) {
        EIN_LOCKED(&purses->lock);
        purse->left += by; /* or it goes back with the lease */
    }
}

/* With the lock held: the next that has something to give; NULL: none has. */
static struct purse *next_to_shrink(const struct purses *purses, const char *uid,
                                    const char *budget)
{
    for (size_t i = 0; i < purses->map.slot_count; i++)
        for (struct map_entry *it = purses->map.slots[i]; it; it = it->next) {
            struct purse *purse = (struct purse *)it;
            if (purse->backed && purse->left != 0 && strcmp(purse->uid, uid) == 0 &&
                (!budget || strcmp(purse->budget, budget) == 0))
                return purse;
        }
    return NULL;
}

void purse_shrink(const struct users *users, const char *uid, const char *budget)
{
    struct purses *purses = users->purses;
    struct purse *purse;

    if (!purses)
        return;
    for (int tries = 0; tries < CHANGE_TRIES; tries++) { /* calls go on meanwhile */
        {
            EIN_LOCKED(&purses->lock);
            while ((purse = next_to_shrink(purses, uid, budget)) && !claim_purse(purse))
                (void)pthread_cond_wait(&purses->filled, &purses->lock);
        }
        if (!purse)
            return;
        purse_give_back(users, purse);
        unclaim(purses, purse);
    }
}

/* Nobody has it any more. */
static void end_purse(const struct users *users, struct purse *purse)
{
    const struct account_ids of = purse_account_ids(purse);

    if (purse->backed)
        (void)purse_store_give(users, &of, purse->id, purse->left, true);
    free(purse);
}

static bool has_left(const struct users *users, const char *set, const char *id, int64_t more_than)
{
    EIN_JSON json_t *money = NULL;

    return users->host->store->get(users->ctx, set, id, &money, NULL) < 0 ||
           integer_of(money, "remainingNano") > more_than;
}

/* Another server, or an administrator, has left less than there was. */
static bool is_wanted_back(const struct users *users, const struct purse *purse)
{
    return !has_left(users, ACCOUNTS_SET, purse->uid, users->minimum) ||
           (*purse->budget && !has_left(users, BUDGETS_SET, purse->budget, 0));
}

static void look_after(const struct users *users, struct purse *purse)
{
    int64_t due_ms = clock_wall_ms() + users->lease_ms;
    int r;

    if (purse_is_overdrawn(users->purses, purse) || is_wanted_back(users, purse))
        purse_give_back(users, purse);
    if (purse->gone)
        return;
    if (due_ms - purse->due_ms < users->lease_ms / 4)
        return;
    r = ledger_extend(users, purse->id, due_ms, NULL);
    if (r == 0) {
        EIN_LOCKED(&users->purses->lock);
        purse->due_ms = due_ms;
    }
    if (r == EIN_E_NOT_FOUND) /* this machine was asleep */
        purse_lose(users->purses, purse);
}

/* With the lock held: the purses to end, which are out of the map, and those to look after. */
static void sort_purses(const struct users *users, struct purse **ret_end, struct purse **ret_look)
{
    struct purses *purses = users->purses;
    int64_t now = clock_wall_ms();

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
    const struct account_ids of = purse_account_ids(call->purse);

    if (purse_store_expire(users, &of, call->hold, call->bound, call->created_us) < 0)
        return;
    users->host->log_msg(users->ctx, EIN_WARN,
                         "The hold %s of %s expired before the cost of its call was known: it was "
                         "released",
                         call->hold, call->purse->uid);
}

/* With the lock held, which is fine for what ought not to happen. */
static void expire_calls(const struct users *users)
{
    struct purses *purses = users->purses;
    int64_t now = clock_wall_ms();

    for (size_t i = 0; i < purses->calls.slot_count; i++) {
        struct map_entry *next;
        for (struct map_entry *entry = purses->calls.slots[i]; entry; entry = next) {
            struct call *call = (struct call *)entry;
            next = entry->next;
            if (call->due_ms > now)
                continue;
            expire_call(users, call);
            purse_end_call(purses, call, 0);
        }
    }
}

void purse_keep(void *data)
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
