/* SPDX-License-Identifier: Apache-2.0 */
#include "key_budget.h"

#include "calendar.h"
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "purse.h"

#include <stdio.h>
#include <string.h>

/* What a server that was killed had settled is entered when one starts in its place. */
#define KEPT_MS (INT64_C(90) * 86400 * 1000)

/* ---- which account ---- */

static bool is_key_id(const char *id)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = id ? strspn(id, allowed) : 0;

    return len > 0 && len <= KEY_ID_MAX && !id[len];
}

int key_budget_payer(const struct users *users, const struct ein_payer *key,
                     struct payer *ret_payer, struct ein_error *err)
{
    const char *period = key->period ? key->period : "";
    struct payer payer = { .uid = key->user_id, .key = key };
    char day_text[CALENDAR_DAY_SIZE];
    int64_t day;

    if (!is_key_id(key->key_id))
        return error_set(err, EIN_E_INVALID,
                         "The id of a key with a budget has 1 to %d letters, "
                         "digits, '_', '-' and '.'",
                         KEY_ID_MAX);
    int r = money_check(key->limit, "What a key may spend", err);
    if (r < 0)
        return r;
    if (calendar_period(users->zone, period, clock_wall_ms(), &day, &payer.next_ms)) {
        calendar_date_text(day, day_text);
        (void)snprintf(payer.budget, sizeof(payer.budget), "%s %s %s", key->key_id, period,
                       day_text);
    } else if (strcmp(period, "total") == 0) {
        (void)snprintf(payer.budget, sizeof(payer.budget), "%s %s", key->key_id, period);
    } else {
        return error_set(err, EIN_E_INVALID, "A budget is for a day, week, month or total");
    }
    *ret_payer = payer;
    return 0;
}

/* ---- the account ---- */

static int make(const struct users *users, const struct payer *payer, struct ein_error *err)
{
    EIN_JSON json_t *budget =
        json_pack("{s:s, s:s, s:I, s:I, s:I}", "userId", payer->uid, "keyId", payer->key->key_id,
                  "limitNano", (json_int_t)payer->key->limit, "remainingNano",
                  (json_int_t)payer->key->limit, "heldNano", (json_int_t)0);

    if (!budget ||
        (payer->next_ms &&
         json_object_set_new(budget, "dueAt", json_integer(payer->next_ms + KEPT_MS)) < 0))
        return error_no_memory(err);
    int r = users->host->store->put(users->ctx, BUDGETS_SET, payer->budget, EIN_REV_NEW, budget,
                                    NULL, err);
    return r == EIN_E_CONFLICT ? 0 : r; /* somebody else was quicker */
}

/* What is spent stays spent.  CONFLICT: a call got in between. */
static int follow_limit(const struct users *users, const struct payer *payer, const json_t *budget,
                        struct ein_error *err)
{
    EIN_JSON json_t *doc = json_pack("{s:I}", "limitNano", (json_int_t)payer->key->limit);
    struct ein_doc_op op = { .kind = EIN_DOC_UPDATE,
                             .set = BUDGETS_SET,
                             .id = payer->budget,
                             .expect = text_of(budget, "_rev"),
                             .doc = doc,
                             .add_field = "remainingNano",
                             .add_by = payer->key->limit - integer_of(budget, "limitNano"),
                             .add_min = INT64_MIN };

    return doc ? users->host->store->batch(users->ctx, &op, 1, sizeof(op), err)
               : error_no_memory(err);
}

/* 1: look again. */
static int ensure_once(const struct users *users, const struct payer *payer, json_t **ret_budget,
                       struct ein_error *err)
{
    EIN_JSON json_t *budget = NULL;
    int r = users->host->store->get(users->ctx, BUDGETS_SET, payer->budget, &budget, err);

    if (r == EIN_E_NOT_FOUND)
        r = make(users, payer, err);
    else if (r == 0 && strcmp(text_of(budget, "userId"), payer->uid) != 0)
        return error_set(err, EIN_E_INVALID, "The key %s is another user's", payer->key->key_id);
    else if (r == 0 && integer_of(budget, "limitNano") != payer->key->limit)
        r = follow_limit(users, payer, budget, err);
    else if (r == 0)
        *ret_budget = EIN_TAKE(budget);
    return r < 0 && r != EIN_E_CONFLICT ? r : !*ret_budget;
}

int key_budget_ensure(const struct users *users, const struct payer *payer, json_t **ret_budget,
                      struct ein_error *err)
{
    int r = 1;

    *ret_budget = NULL;
    for (int tries = 0; r == 1 && tries < CHANGE_TRIES; tries++)
        r = ensure_once(users, payer, ret_budget, err);
    return r == 1 ? EIN_E_CONFLICT : r;
}

/* ---- what is told of it ---- */

bool key_budget_lacks(const struct users *users, const struct payer *payer, int64_t bound)
{
    EIN_JSON json_t *budget = NULL;

    return payer->key &&
           users->host->store->get(users->ctx, BUDGETS_SET, payer->budget, &budget, NULL) == 0 &&
           integer_of(budget, "remainingNano") < bound;
}

int key_budget_refuse(const struct users *users, const struct payer *payer, int64_t bound,
                      struct ein_error *err)
{
    char limit[MONEY_TEXT_SIZE];

    if (!key_budget_lacks(users, payer, bound))
        return error_set(err, EIN_E_DENIED, "Insufficient spend allowance to complete request");
    money_to_text(payer->key->limit, limit);
    return error_set(
        err, EIN_E_DENIED,
        "Insufficient budget to complete request: this API key may spend %s dollars %s%s", limit,
        strcmp(payer->key->period, "total") == 0 ? "in " : "a ", payer->key->period);
}

int key_budget_left(void *impl, const struct ein_payer *key, int64_t *ret_left,
                    int64_t *ret_next_ms, struct ein_error *err)
{
    const struct users *users = impl;
    EIN_JSON json_t *budget = NULL;
    struct payer payer;
    int r = key_budget_payer(users, key, &payer, err);

    if (r == 0)
        r = purse_flush(users, err);
    if (r == 0)
        r = users->host->store->get(users->ctx, BUDGETS_SET, payer.budget, &budget, err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    *ret_left = key->limit;
    if (budget)
        *ret_left += integer_of(budget, "remainingNano") + integer_of(budget, "heldNano") -
                     integer_of(budget, "limitNano");
    *ret_next_ms = payer.next_ms;
    return 0;
}

/* ---- what was long ago ---- */

void key_budget_sweep(void *impl)
{
    const struct users *users = impl;

    sweep_docs(users->host, users->ctx, BUDGETS_SET,
               json_pack("{s:{s:I, s:I}, s:I}", "dueAt", "$gt", (json_int_t)0, "$lt",
                         (json_int_t)clock_wall_ms(), "heldNano", (json_int_t)0));
}
