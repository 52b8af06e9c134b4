/* SPDX-License-Identifier: Apache-2.0 */
/* What a single key may spend, beside what its user may.
 *
 * Each period of a key has an account of its own in "ledger_budgets", made by the first call in it:
 * {"userId", "keyId", "limitNano", "remainingNano", "heldNano", "dueAt"?}.  Nothing has to be
 * reset, and a call is settled in the period that it began in. */
#pragma once

#include "users.h"

enum {
    KEY_ID_MAX = 64,                      /* bytes */
    BUDGET_ID_SIZE = KEY_ID_MAX + 8 + 24, /* "KEY month 2026-11-01" and a NUL */
    BUDGET_SWEEP_MS = 3600 * 1000         /* how often those of old periods are looked for */
};

/* Who pays for a call. */
struct payer {
    const char *uid;
    const struct ein_payer *key; /* whose budget counts too; NULL: no key has one */
    char budget[BUDGET_ID_SIZE]; /* its account, now; "": likewise */
    int64_t next_ms;             /* when the next period begins; 0: never */
};

/* INVALID: no such period, or no id of a key. */
int key_budget_payer(const struct users *users, const struct ein_payer *key,
                     struct payer *ret_payer, struct ein_error *err);
/* The account of the payer's key, made if new, and by the limit that it has now. */
int key_budget_ensure(const struct users *users, const struct payer *payer, json_t **ret_budget,
                      struct ein_error *err);
/* Is it the key to which that much is not left, and not the user? */
bool key_budget_lacks(const struct users *users, const struct payer *payer, int64_t bound);
/* DENIED, and why: that much is not left to the key, or to the user. */
int key_budget_refuse(const struct users *users, const struct payer *payer, int64_t bound,
                      struct ein_error *err);
/* As ein_ledger's key_left(). */
int key_budget_left(void *users, const struct ein_payer *key, int64_t *ret_left,
                    int64_t *ret_next_ms, struct ein_error *err);
void key_budget_sweep(void *users);
