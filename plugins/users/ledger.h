/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "users.h"

/* ledger/1.  Each of these is one batch of the store: all of it happens or nothing, and what was
 * answered is on disk.
 *
 *   reserve   remaining -= bound, held += bound, a hold is put; CONFLICT below the minimum
 *   settle    the hold is deleted, remaining += bound - cost, held -= bound, an entry is put
 *   release   the hold is deleted, remaining += bound, held -= bound
 *   expire    release, and the hold is kept among the expired ones
 *
 * An entry has the id of its hold, so that nothing is settled twice. */

/* A batch and its parts, for purses too. */
int ledger_batch(const struct users *users, struct ein_doc_op *ops, size_t count,
                 struct ein_error *err);
struct ein_doc_op ledger_add(const char *set, const char *id, const char *field, int64_t by);
struct ein_doc_op ledger_put_new(const char *set, const char *id, const json_t *doc);
struct ein_doc_op ledger_enter(const char *id, const char *text);
struct ein_doc_op ledger_drop(const char *set, const char *id, const char *expect);
/* More than the minimum has to be left before, and nothing may be missing afterwards. */
int64_t ledger_least_after(const struct users *users, int64_t bound);

/* Expires the holds whose lease is over. */
void ledger_sweep(void *users);
