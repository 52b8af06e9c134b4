/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "users.h"

/* ledger/1.  Each of these is one batch of the store: all of it happens or nothing, and what was
 * answered is on disk.  What happens to the user's account happens to that of a key with a budget
 * (key_budget.h) in the same batch.
 *
 *   reserve   remaining -= bound, held += bound, a hold is put; CONFLICT below the minimum
 *   settle    the hold is deleted, remaining += bound - cost, held -= bound, an entry is put
 *   release   the hold is deleted, remaining += bound, held -= bound
 *   expire    release, and the hold is kept among the expired ones
 *
 * An entry has the id of its hold, so that nothing is settled twice. */

/* The accounts that pay for a call, each the same. */
struct account_ids {
    const char *uid;
    const char *budget; /* of a key, in BUDGETS_SET; NULL: none but the user's */
};
enum { LEDGER_MOVES = 4 }; /* operations that money moves by, at most */

/* A batch and its parts, for purses too. */
int ledger_batch(const struct users *users, struct ein_doc_op *ops, size_t count,
                 struct ein_error *err);
struct ein_doc_op ledger_add(const char *set, const char *id, const char *field, int64_t by);
/* What is left and what is set aside change by so much: up to LEDGER_MOVES of *ops are filled. */
size_t ledger_move(struct ein_doc_op *ops, const struct account_ids *of, int64_t left_by,
                   int64_t held_by);
/* `by` of what is left is set aside, if that much is left: likewise. */
size_t ledger_set_aside(const struct users *users, struct ein_doc_op *ops,
                        const struct account_ids *of, int64_t by);
/* Without the budget, if that was long ago. */
int ledger_late(const struct users *users, struct account_ids *of, struct ein_error *err);
/* The document of a hold, and of one that has expired.  NULL: no memory. */
json_t *ledger_hold_doc(const struct account_ids *of, int64_t bound, int64_t due_ms);
json_t *ledger_expired_doc(const struct account_ids *of, int64_t bound, int64_t created_us);
int ledger_extend(const struct users *users, const char *hold, int64_t due_ms,
                  struct ein_error *err);
struct ein_doc_op ledger_put_new(const char *set, const char *id, const json_t *doc);
struct ein_doc_op ledger_enter(const char *id, const char *text);
struct ein_doc_op ledger_drop(const char *set, const char *id, const char *expect);
/* Expires the holds whose lease is over. */
void ledger_sweep(void *users);
