/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are paid out of what this server has set aside for many.
 *
 * A hold of its own costs each call two durable writes.  So a server takes one hold for many calls
 * of a user, a purse, and hands it out in memory.  Calls of a key with a budget have one of their
 * own, which takes from both accounts:
 *
 *   reserve   purse.left -= bound
 *   settle    purse.left += bound - cost; a line in the journal.  Within settle_ms the entry goes
 *             to the store with others: they are put, the purse's hold and heldNano -= their costs
 *   release   purse.left += bound
 *
 * remainingNano, holds and purses together are at any moment what is left of the allowance: what a
 * purse has, no other server spends.  A purse takes at most a share of what remains, where that is
 * too little for a call the call has a hold of its own.  What it does not use goes back when it is
 * idle or wanted elsewhere; all of it goes back by its lease when its server has died.  What such
 * a server had settled is in its journal, and is entered when a server starts there. */
#pragma once

#include "key_budget.h"

/* 1: handed out; 0: the call needs a hold of its own; or an error. */
int purse_reserve(const struct users *users, const struct payer *payer, int64_t bound,
                  uint32_t lease_ms, char ret_hold[EIN_HOLD_SIZE], struct ein_error *err);
/* NOT_FOUND: no purse of this server has handed it out, or its lease was over. */
int purse_settle(const struct users *users, const char *hold, const struct ein_ledger_entry *entry,
                 struct ein_error *err);
int purse_extend(const struct users *users, const char *hold, uint32_t lease_ms);
int purse_release(const struct users *users, const char *hold);

/* What has been settled is in the store when it returns. */
int purse_flush(const struct users *users, struct ein_error *err);
/* The purse of a key's BUDGET (NULL: all of the user's) keeps what calls have been promised, and
 * gives back the rest. */
void purse_shrink(const struct users *users, const char *uid, const char *budget);

/* Nothing is done without a journal: each call has a hold of its own. */
int purses_open(struct users *users, struct ein_error *err);
void purses_stop(void *users); /* flushes and gives back what no call has */
void purses_close(struct users *users);
