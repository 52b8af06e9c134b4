/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_store.h"

#include "cleanup.h"
#include "error.h"

int purse_store_take(const struct users *users, const struct account_ids *of, const char *purse,
                     bool is_new, int64_t by, int64_t due_ms, struct ein_error *err)
{
    EIN_JSON json_t *doc =
        is_new ? ledger_hold_doc(of, by, due_ms) : json_pack("{s:I}", "dueAt", (json_int_t)due_ms);
    struct ein_doc_op ops[LEDGER_MOVES + 1] = { is_new ? ledger_put_new(HOLDS_SET, purse, doc)
                                                       : ledger_add(HOLDS_SET, purse, "boundNano",
                                                                    by) };

    if (!doc || (is_new && json_object_set_new(doc, "purse", json_true()) < 0))
        return error_no_memory(err);
    ops[0].doc = doc;
    return ledger_batch(users, ops, 1 + ledger_set_aside(users, ops + 1, of, by), err);
}

int purse_store_give(const struct users *users, const struct account_ids *of, const char *purse,
                     int64_t by, bool last)
{
    struct ein_doc_op ops[LEDGER_MOVES + 1] = { last ? ledger_drop(HOLDS_SET, purse, EIN_REV_ANY)
                                                     : ledger_add(HOLDS_SET, purse, "boundNano",
                                                                  -by) };

    return ledger_batch(users, ops, 1 + ledger_move(ops + 1, of, by, -by), NULL);
}

int purse_store_pay(const struct users *users, const struct account_ids *of, const char *purse,
                    const struct payment *first, size_t count, struct ein_error *err)
{
    EIN_FREE struct ein_doc_op *ops = calloc(count + 1 + LEDGER_MOVES, sizeof(*ops));
    size_t used = 0;
    int64_t cost = 0;

    if (!ops)
        return error_no_memory(err);
    for (const struct payment *it = first; used < count; it = it->next) {
        cost += it->cost;
        ops[used++] = ledger_enter(it->hold, it->text);
    }
    if (purse)
        ops[used++] = ledger_add(HOLDS_SET, purse, "boundNano", -cost);
    used += purse ? ledger_move(ops + used, of, 0, -cost) : ledger_move(ops + used, of, -cost, 0);
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
static int enter_late(const struct users *users, struct account_ids of, const char *purse,
                      const struct payment *payment, struct ein_error *err)
{
    struct ein_doc_op ops[LEDGER_MOVES + 2] = { ledger_enter(payment->hold, payment->text) };
    size_t count = 1;
    int r = ledger_late(users, &of, err);

    if (r < 0)
        return r;
    if (purse)
        ops[count++] = ledger_add(EXPIRED_SET, purse, "boundNano", -payment->cost);
    return ledger_batch(users, ops, count + ledger_move(ops + count, &of, -payment->cost, 0), err);
}

int purse_store_enter(const struct users *users, const struct account_ids *of, const char *purse,
                      const struct payment *payment, struct ein_error *err)
{
    int r = is_there(users, ENTRIES_SET, payment->hold, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = purse ? purse_store_pay(users, of, purse, payment, 1, err)
              : enter_late(users, *of, NULL, payment, err);
    if (r == EIN_E_NOT_FOUND && purse)
        r = enter_late(users, *of, purse, payment, err);
    return r == EIN_E_NOT_FOUND ? 1 : r;
}

int purse_store_expire(const struct users *users, const struct account_ids *of, const char *hold,
                       int64_t bound, int64_t created_us)
{
    EIN_JSON json_t *doc = ledger_expired_doc(of, bound, created_us);
    struct ein_doc_op op = ledger_put_new(EXPIRED_SET, hold, doc);

    return doc ? ledger_batch(users, &op, 1, NULL) : EIN_E_NO_MEMORY;
}
