/* SPDX-License-Identifier: Apache-2.0 */
/* What purses do in the store: each of these is one batch. */
#pragma once

#include "ledger.h"

enum { PURSE_ID_SIZE = 23 }; /* bytes, with the NUL */

/* What a call has cost, on its way to the store. */
struct payment {
    struct payment *next;
    struct purse *purse;
    bool backed;              /* it was when this was settled */
    char hold[EIN_HOLD_SIZE]; /* the id of its entry */
    int64_t cost;
    char *text; /* the entry */
};

/* remaining -= by, held += by, the purse's hold += by, or is made.  CONFLICT: that much is not
 * left.  NOT_FOUND: the hold that was there has expired. */
int purse_store_take(const struct users *users, const struct account_ids *of, const char *purse,
                     bool is_new, int64_t by, int64_t due_ms, struct ein_error *err);
/* The other way; the hold goes with it if LAST. */
int purse_store_give(const struct users *users, const struct account_ids *of, const char *purse,
                     int64_t by, bool last);
/* COUNT payments out of one purse (NULL: out of none), from FIRST on.  CONFLICT or NOT_FOUND: enter
 * them one by one. */
int purse_store_pay(const struct users *users, const struct account_ids *of, const char *purse,
                    const struct payment *first, size_t count, struct ein_error *err);
/* One payment, whatever has become of its purse: entered once, in the right place.  1: its purse
 * was never in this store, nothing is done. */
int purse_store_enter(const struct users *users, const struct account_ids *of, const char *purse,
                      const struct payment *payment, struct ein_error *err);
/* A call whose lease is over, and that nobody has settled. */
int purse_store_expire(const struct users *users, const struct account_ids *of, const char *hold,
                       int64_t bound, int64_t created_us);
