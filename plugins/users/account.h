/* SPDX-License-Identifier: Apache-2.0 */
/* A user is two documents.  That in "users" changes when somebody changes it, and guards itself by
 * its revision; that in "ledger_accounts" has two integers that calls add to all the time:
 *
 *   remainingNano   what may still be set aside
 *   heldNano        what is set aside
 *
 * Their sum is what is left of the allowance, and may be below zero.  To set it, the difference is
 * added: no call that goes on meanwhile is lost, and none need be waited for. */
#pragma once

#include "users.h"

/* Both documents, as they are once what is due has been done. */
struct account {
    json_t *user, *money;
};
void account_done(struct account *account);
#define EIN_ACCOUNT __attribute__((cleanup(account_done)))

/* The user UID, made if new, with the allowance reset if that is due.  IDENTITY (may be NULL) tells
 * its name and address. */
int account_get(const struct users *users, const char *uid, const struct ein_identity *identity,
                struct account *ret_account, struct ein_error *err);
/* The same where only "users" is of interest: *ret_user. */
int account_ensure(const struct users *users, const char *uid, json_t **ret_user,
                   struct ein_error *err);

/* Is the allowance of who is read without account_get() to be reset? */
bool account_is_due(const json_t *user);

/* What is left: of the allowance, holds not yet subtracted. */
int64_t account_left(const struct account *account);

enum { CHANGE_MORE_MAX = 2 };

/* What one change does: members of "users" that are replaced, and what is left afterwards. */
struct change {
    json_t *members; /* owned by whoever applies it */
    bool sets_left;
    int64_t left;
    const struct ein_doc_op *more; /* done with it; the edit's own until it is called again */
    size_t more_count;
};
/* Fills *change from the account as it is; 0, an error, or a status that was replied. */
typedef int account_edit(const struct account *account, struct change *change, void *data,
                         struct ein_error *err);
/* Edits until no other change got in between.  *ret_account is as it was written. */
int account_change(const struct users *users, const char *uid, account_edit *edit, void *data,
                   struct account *ret_account, struct ein_error *err);

/* ALLOWANCE_RESET_MS into *members: when the allowance is due next. */
int account_schedule(const struct users *users, const json_t *user, int64_t date_ms,
                     const char *time_zone, json_t *members, struct ein_error *err);
/* The zone of the user; the server's where they have none, or its file is gone since. */
int account_zone(const struct users *users, const char *time_zone, struct zone **ret_zone,
                 struct ein_error *err);
void account_zone_free(const struct users *users, struct zone *zone);
