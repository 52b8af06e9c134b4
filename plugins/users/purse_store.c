/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_store.h"

#include "cleanup.h"
#include "error.h"
#include "ledger.h"

int purse_store_take(const struct users *users, const char *uid, const char *purse, bool is_new,
                     int64_t by, int64_t due_ms, struct ein_error *err)
{
    EIN_JSON json_t *doc =
        is_new ? json_pack("{s:s, s:I, s:I, s:I, s:b}", "userId", uid, "boundNano", (json_int_t)by,
                           "createdAtUs", (json_int_t)clock_wall_us(), "dueAt", (json_int_t)due_ms,
                           "purse", 1)
               : json_pack("{s:I}", "dueAt", (json_int_t)due_ms);
    struct ein_doc_op hold = is_new ? ledger_put_new(HOLDS_SET, purse, doc)
                                    : ledger_add(HOLDS_SET, purse, "boundNano", by);
    struct ein_doc_op ops[] = { ledger_add(ACCOUNTS_SET, uid, "remainingNano", -by),
                                ledger_add(ACCOUNTS_SET, uid, "heldNano", by), hold };

    if (!doc)
        return error_no_memory(err);
    ops[0].add_min = ledger_least_after(users, by);
    ops[2].doc = doc;
    return ledger_batch(users, ops, 3, err);
}

int purse_store_give(const struct users *users, const char *uid, const char *purse, int64_t by,
                     bool last)
{
    struct ein_doc_op ops[] = { last ? ledger_drop(HOLDS_SET, purse, EIN_REV_ANY)
                                     : ledger_add(HOLDS_SET, purse, "boundNano", -by),
                                ledger_add(ACCOUNTS_SET, uid, "remainingNano", by),
                                ledger_add(ACCOUNTS_SET, uid, "heldNano", -by) };

    return ledger_batch(users, ops, 3, NULL);
}

int purse_store_extend(const struct users *users, const char *purse, int64_t due_ms)
{
    EIN_JSON json_t *doc = json_pack("{s:I}", "dueAt", (json_int_t)due_ms);
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE, .set = HOLDS_SET, .id = purse, .doc = doc };

    return doc ? ledger_batch(users, &op, 1, NULL) : EIN_E_NO_MEMORY;
}

int purse_store_pay(const struct users *users, const char *uid, const char *purse,
                    const struct payment *first, size_t count, struct ein_error *err)
{
    EIN_FREE struct ein_doc_op *ops = calloc(count + 2, sizeof(*ops));
    size_t used = 0;
    int64_t cost = 0;

    if (!ops)
        return error_no_memory(err);
    for (const struct payment *it = first; used < count; it = it->next) {
        cost += it->cost;
        ops[used++] = ledger_enter(it->hold, it->text);
    }
    if (purse) {
        ops[used++] = ledger_add(HOLDS_SET, purse, "boundNano", -cost);
        ops[used++] = ledger_add(ACCOUNTS_SET, uid, "heldNano", -cost);
    } else if (cost != 0) {
        ops[used++] = ledger_add(ACCOUNTS_SET, uid, "remainingNano", -cost);
    }
    return ledger_batch(users, ops, used, err);
}

static int is_there(const struct users *users, const char *set, const char *id,
                    struct ein_error *err)
{
    EIN_JSON json_t *doc = NULL;
    int r = users->host->store->get(users->ctx, set, id, &doc, err);

    return r == 0 ? 1 : r == EIN_E_NOT_FOUND ? 0 : r;
}

/* Its purse has expired: all of its bound was given back. */
static int enter_late(const struct users *users, const char *uid, const char *purse,
                      const struct payment *payment, struct ein_error *err)
{
    struct ein_doc_op ops[] = { ledger_enter(payment->hold, payment->text),
                                ledger_add(ACCOUNTS_SET, uid, "remainingNano", -payment->cost),
                                ledger_add(EXPIRED_SET, purse, "boundNano", -payment->cost) };

    return ledger_batch(users, ops, purse ? 3 : 2, err);
}

int purse_store_enter(const struct users *users, const char *uid, const char *purse,
                      const struct payment *payment, struct ein_error *err)
{
    int r = is_there(users, ENTRIES_SET, payment->hold, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = purse ? purse_store_pay(users, uid, purse, payment, 1, err)
              : enter_late(users, uid, NULL, payment, err);
    if (r == EIN_E_NOT_FOUND && purse)
        r = enter_late(users, uid, purse, payment, err);
    return r == EIN_E_NOT_FOUND ? 1 : r;
}

int purse_store_expire(const struct users *users, const char *uid, const char *hold, int64_t bound,
                       int64_t created_us)
{
    EIN_JSON json_t *doc = json_pack("{s:s, s:I, s:I, s:I}", "userId", uid, "boundNano",
                                     (json_int_t)bound, "createdAtUs", (json_int_t)created_us,
                                     "expiredAtUs", (json_int_t)clock_wall_us());
    struct ein_doc_op op = ledger_put_new(EXPIRED_SET, hold, doc);

    return doc ? ledger_batch(users, &op, 1, NULL) : EIN_E_NO_MEMORY;
}
