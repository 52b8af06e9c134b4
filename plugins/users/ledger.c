/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include "account.h"
#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "ids.h"
#include "key_budget.h"
#include "purse.h"

#include <string.h>

enum {
    SETTLE_TRIES = 10,    /* while a hold expires */
    SWEEP_LEASE_MS = 5000 /* of the server that expires it; its revision keeps out a second one */
};

/* ---- a batch and its parts ---- */

int ledger_batch(const struct users *users, struct ein_doc_op *ops, size_t count,
                 struct ein_error *err)
{
    return users->host->store->batch(users->ctx, ops, count, sizeof(*ops), err);
}

struct ein_doc_op ledger_add(const char *set, const char *id, const char *field, int64_t by)
{
    return (struct ein_doc_op){ .kind = EIN_DOC_UPDATE,
                                .set = set,
                                .id = id,
                                .add_field = field,
                                .add_by = by,
                                .add_min = INT64_MIN };
}

struct ein_doc_op ledger_put_new(const char *set, const char *id, const json_t *doc)
{
    return (struct ein_doc_op){
        .kind = EIN_DOC_PUT, .set = set, .id = id, .expect = EIN_REV_NEW, .doc = doc
    };
}

struct ein_doc_op ledger_enter(const char *id, const char *text)
{
    return (struct ein_doc_op){
        .kind = EIN_DOC_PUT, .set = ENTRIES_SET, .id = id, .expect = EIN_REV_NEW, .text = text
    };
}

struct ein_doc_op ledger_drop(const char *set, const char *id, const char *expect)
{
    return (struct ein_doc_op){ .kind = EIN_DOC_DELETE, .set = set, .id = id, .expect = expect };
}

size_t ledger_move(struct ein_doc_op *ops, const struct account_ids *of, int64_t left_by,
                   int64_t held_by)
{
    size_t count = 0;

    if (left_by)
        ops[count++] = ledger_add(ACCOUNTS_SET, of->uid, "remainingNano", left_by);
    if (held_by)
        ops[count++] = ledger_add(ACCOUNTS_SET, of->uid, "heldNano", held_by);
    if (left_by && of->budget)
        ops[count++] = ledger_add(BUDGETS_SET, of->budget, "remainingNano", left_by);
    if (held_by && of->budget)
        ops[count++] = ledger_add(BUDGETS_SET, of->budget, "heldNano", held_by);
    return count;
}

/* More than the minimum has to be left to the user before, and nothing may be missing afterwards:
 * what is free is for who has not spent more than there was. */
size_t ledger_set_aside(const struct users *users, struct ein_doc_op *ops,
                        const struct account_ids *of, int64_t by)
{
    size_t count = 0;

    ops[count] = ledger_add(ACCOUNTS_SET, of->uid, "remainingNano", -by);
    ops[count++].add_min = by > 0 && users->minimum >= by ? users->minimum + 1 - by : 0;
    if (of->budget) {
        ops[count] = ledger_add(BUDGETS_SET, of->budget, "remainingNano", -by);
        ops[count++].add_min = 0;
    }
    return count + ledger_move(ops + count, of, 0, by);
}

int ledger_late(const struct users *users, struct account_ids *of, struct ein_error *err)
{
    EIN_JSON json_t *budget = NULL;
    int r =
        of->budget ? users->host->store->get(users->ctx, BUDGETS_SET, of->budget, &budget, err) : 0;

    if (r == EIN_E_NOT_FOUND)
        of->budget = NULL;
    return r == EIN_E_NOT_FOUND ? 0 : r;
}

json_t *ledger_hold_doc(const struct account_ids *of, int64_t bound, int64_t due_ms)
{
    return json_pack("{s:s, s:s*, s:I, s:I, s:I}", "userId", of->uid, "budget", of->budget,
                     "boundNano", (json_int_t)bound, "createdAtUs", (json_int_t)clock_wall_us(),
                     "dueAt", (json_int_t)due_ms);
}

json_t *ledger_expired_doc(const struct account_ids *of, int64_t bound, int64_t created_us)
{
    return json_pack("{s:s?, s:s*, s:I, s:I, s:I}", "userId", of->uid, "budget", of->budget,
                     "boundNano", (json_int_t)bound, "createdAtUs", (json_int_t)created_us,
                     "expiredAtUs", (json_int_t)clock_wall_us());
}

int ledger_extend(const struct users *users, const char *hold, int64_t due_ms,
                  struct ein_error *err)
{
    EIN_JSON json_t *doc = json_pack("{s:I}", "dueAt", (json_int_t)due_ms);
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE, .set = HOLDS_SET, .id = hold, .doc = doc };

    return doc ? ledger_batch(users, &op, 1, err) : error_no_memory(err);
}

static struct account_ids account_ids_of(const json_t *held)
{
    return (struct account_ids){ text_of(held, "userId"), text_of(held, "budget") };
}

/* ---- reserve ---- */

static int64_t lease_end(const struct users *users, uint32_t lease_ms)
{
    return clock_wall_ms() + (lease_ms ? lease_ms : users->lease_ms);
}

static int reserve_once(const struct users *users, const struct account_ids *of, const char *hold,
                        int64_t bound, const json_t *doc, struct ein_error *err)
{
    struct ein_doc_op ops[LEDGER_MOVES + 1];
    size_t count = ledger_set_aside(users, ops, of, bound);

    ops[count++] = ledger_put_new(HOLDS_SET, hold, doc);
    return ledger_batch(users, ops, count, err);
}

static int ensure(const struct users *users, const struct payer *payer, struct ein_error *err)
{
    EIN_JSON json_t *user = NULL;
    EIN_JSON json_t *budget = NULL;
    int r = account_ensure(users, payer->uid, &user, err);

    return r == 0 && payer->key ? key_budget_ensure(users, payer, &budget, err) : r;
}

/* A hold of its own. */
static int hold_for(struct users *users, const struct payer *payer, int64_t bound,
                    uint32_t lease_ms, char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    const struct account_ids of = { payer->uid, payer->key ? payer->budget : NULL };
    EIN_JSON json_t *doc = ledger_hold_doc(&of, bound, lease_end(users, lease_ms));
    char hold[UUID_SIZE];

    if (!doc)
        return error_no_memory(err);
    uuid_make(hold);
    int r = reserve_once(users, &of, hold, bound, doc, err);
    if (r == EIN_E_CONFLICT) {
        ledger_sweep(users); /* what died holds nothing back, nor what waits for calls */
        purse_shrink(users, of.uid, key_budget_lacks(users, payer, bound) ? of.budget : NULL);
        r = reserve_once(users, &of, hold, bound, doc, err);
    }
    if (r == EIN_E_CONFLICT)
        return key_budget_refuse(users, payer, bound, err);
    if (r == 0)
        memcpy(ret_hold, hold, sizeof(hold));
    return r;
}

static int reserve_for(struct users *users, const struct payer *payer, int64_t bound,
                       uint32_t lease_ms, char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    int r = money_check(bound, "What is set aside", err);

    if (r == 0)
        r = purse_reserve(users, payer, bound, lease_ms, ret_hold, err);
    if (r > 0)
        return 0;
    if (r == 0)
        r = ensure(users, payer, err);
    return r < 0 ? r : hold_for(users, payer, bound, lease_ms, ret_hold, err);
}

static int reserve(void *impl, const char *user_id, int64_t bound, uint32_t lease_ms,
                   char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    const struct payer payer = { .uid = user_id };

    return reserve_for(impl, &payer, bound, lease_ms, ret_hold, err);
}

static int reserve_key(void *impl, const struct ein_payer *key, int64_t bound, uint32_t lease_ms,
                       char ret_hold[EIN_HOLD_SIZE], struct ein_error *err)
{
    struct payer payer;
    int r = key_budget_payer(impl, key, &payer, err);

    return r < 0 ? r : reserve_for(impl, &payer, bound, lease_ms, ret_hold, err);
}

static int extend(void *impl, const char *hold, uint32_t lease_ms, struct ein_error *err)
{
    const struct users *users = impl;

    if (purse_extend(users, hold, lease_ms) == 0)
        return 0;
    return ledger_extend(users, hold, lease_end(users, lease_ms), err);
}

/* ---- settle ---- */

static int settle_hold(const struct users *users, const char *hold, const json_t *held,
                       const struct ein_ledger_entry *entry, const char *text,
                       struct ein_error *err)
{
    const struct account_ids of = account_ids_of(held);
    int64_t bound = integer_of(held, "boundNano");
    struct ein_doc_op ops[LEDGER_MOVES + 2] = { ledger_drop(HOLDS_SET, hold, EIN_REV_ANY),
                                                ledger_enter(hold, text) };

    if (!of.uid || strcmp(of.uid, entry->user_id) != 0)
        return error_set(err, EIN_E_INVALID, "The hold %.40s is another user's", hold);
    return ledger_batch(users, ops, 2 + ledger_move(ops + 2, &of, bound - entry->cost, -bound),
                        err);
}

/* Its bound has been given back. */
static int settle_late(const struct users *users, const char *hold,
                       const struct ein_ledger_entry *entry, const char *text,
                       struct ein_error *err)
{
    EIN_JSON json_t *expired = NULL;
    struct ein_doc_op ops[LEDGER_MOVES + 2] = { ledger_enter(hold, text) };
    size_t count = 1;
    int r = users->host->store->get(users->ctx, EXPIRED_SET, hold, &expired, err);
    struct account_ids of = { entry->user_id, text_of(expired, "budget") };

    if (r == 0) {
        ops[count++] = ledger_drop(EXPIRED_SET, hold, EIN_REV_ANY);
        r = ledger_late(users, &of, err);
    }
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    return ledger_batch(users, ops, count + ledger_move(ops + count, &of, -entry->cost, 0), err);
}

/* NOT_FOUND: it changed meanwhile. */
static int settle_once(const struct users *users, const char *hold,
                       const struct ein_ledger_entry *entry, const char *text,
                       struct ein_error *err)
{
    EIN_JSON json_t *held = NULL;
    int r = users->host->store->get(users->ctx, HOLDS_SET, hold, &held, err);

    if (r == 0)
        r = settle_hold(users, hold, held, entry, text, err);
    else if (r == EIN_E_NOT_FOUND)
        r = settle_late(users, hold, entry, text, err);
    return r;
}

static int check_entry(const struct ein_ledger_entry *entry, struct ein_error *err)
{
    int r = money_check(entry->cost, "A cost", err);

    if (r == 0 && !entry->user_id)
        r = error_set(err, EIN_E_INVALID, "What a call has cost is a user's");
    if (r == 0 && entry->metadata && !json_is_object(entry->metadata))
        r = error_set(err, EIN_E_INVALID, "The metadata of an entry is not an object");
    return r;
}

static int settle(void *impl, const char *hold, const struct ein_ledger_entry *entry,
                  struct ein_error *err)
{
    const struct users *users = impl;
    EIN_JSON json_t *user = NULL;
    EIN_FREE char *text = NULL;
    char id[UUID_SIZE];
    int r = check_entry(entry, err);

    if (r == 0 && hold && (r = purse_settle(users, hold, entry, err)) != EIN_E_NOT_FOUND)
        return r;
    if (r == EIN_E_NOT_FOUND)
        r = purse_flush(users, err); /* it may be on its way there already */
    if (r == 0)
        r = account_ensure(users, entry->user_id, &user, err);
    if (r == 0)
        r = entry_write(users->host, entry, &text, err);
    if (r < 0)
        return r;
    uuid_make(id);
    r = EIN_E_NOT_FOUND;
    for (int tries = 0; r == EIN_E_NOT_FOUND && tries < SETTLE_TRIES; tries++)
        r = hold ? settle_once(users, hold, entry, text, err)
                 : settle_late(users, id, entry, text, err);
    return r == EIN_E_CONFLICT
               ? error_set(err, r, "The hold %.40s has been settled already", hold ? hold : id)
               : r;
}

/* ---- release, expire ---- */

/* HELD is given up; its next state is EXPIRED, or nothing. */
static int give_back(const struct users *users, const json_t *held, const char *expect,
                     const json_t *expired, struct ein_error *err)
{
    const struct account_ids of = account_ids_of(held);
    const char *hold = text_of(held, "_id");
    int64_t bound = integer_of(held, "boundNano");
    struct ein_doc_op ops[LEDGER_MOVES + 2] = { ledger_drop(HOLDS_SET, hold, expect) };
    size_t count = 1;

    if (expired)
        ops[count++] = ledger_put_new(EXPIRED_SET, hold, expired);
    return ledger_batch(users, ops, count + ledger_move(ops + count, &of, bound, -bound), err);
}

static int release(void *impl, const char *hold, struct ein_error *err)
{
    const struct users *users = impl;
    EIN_JSON json_t *held = NULL;
    int r;

    if (purse_release(users, hold) == 0)
        return 0;
    r = users->host->store->get(users->ctx, HOLDS_SET, hold, &held, err);
    if (r == 0)
        r = give_back(users, held, EIN_REV_ANY, NULL, err);
    return r == EIN_E_NOT_FOUND ? error_set(err, r, "The hold %.40s no longer exists", hold) : r;
}

/* CONFLICT and NOT_FOUND: it was extended, settled or released at the last moment. */
static int expire(const struct users *users, const json_t *held, struct ein_error *err)
{
    const struct account_ids of = account_ids_of(held);
    EIN_JSON json_t *expired =
        ledger_expired_doc(&of, integer_of(held, "boundNano"), integer_of(held, "createdAtUs"));

    if (!expired)
        return error_no_memory(err);
    int r = give_back(users, held, text_of(held, "_rev"), expired, err);
    if (r == EIN_E_CONFLICT || r == EIN_E_NOT_FOUND)
        return 0;
    if (r == 0)
        users->host->log_msg(users->ctx, EIN_WARN,
                             "The hold %s of %s expired before the cost of its call was known: "
                             "it was released",
                             text_of(held, "_id"), of.uid);
    return r;
}

void ledger_sweep(void *data)
{
    const struct users *users = data;
    struct ein_error err;
    int r = 1;

    while (r > 0) {
        EIN_JSON json_t *held = NULL;
        r = users->host->store->claim(users->ctx, HOLDS_SET, "dueAt", clock_wall_ms(),
                                      SWEEP_LEASE_MS, &held, &err);
        if (r > 0 && (r = expire(users, held, &err)) == 0)
            r = 1;
    }
    if (r < 0)
        users->host->log_msg(users->ctx, EIN_ERROR, "Expired holds could not be released: %s",
                             err.text);
}

const struct ein_ledger ledger_service = {
    .struct_size = sizeof(ledger_service),
    .reserve = reserve,
    .extend = extend,
    .settle = settle,
    .release = release,
    .reserve_key = reserve_key,
    .key_left = key_budget_left,
};
