/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "clock.h"
#include "member.h"
#include "money.h"
#include "zone.h"

#include <einion/services.h>
#include <jansson.h>

#define USERS_SET    "users"           /* who they are and what they may: written seldom */
#define ACCOUNTS_SET "ledger_accounts" /* what is left: written by every call */
#define BUDGETS_SET  "ledger_budgets"  /* what is left to keys, a document for each period */
#define HOLDS_SET    "ledger_holds"
#define EXPIRED_SET  "ledger_expired" /* holds that nobody has settled or released */
#define ENTRIES_SET  "ledger_entries"

enum {
    UID_MAX = 380,     /* bytes */
    CHANGE_TRIES = 100 /* of a write that others get ahead of */
};

/* One instance of the plugin; const after start. */
struct users {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    int64_t allowance, minimum; /* nano-dollars */
    uint32_t usage_shown, lease_ms, sweep_ms;
    uint32_t purse_share, purse_idle_ms, settle_ms, erase_ms;
    size_t settle_pending;
    const char *journal_folder; /* "": no purses */
    struct purses *purses;      /* NULL: there are none */
    size_t report_rows;
    struct no_keys *no_keys;
    struct blocks *blocks;
    uint32_t blocks_ms;
    int self_service; /* -1: as the caller's login has it */
    const char *time_zone, *zone_folder;
    struct zone *zone; /* of time_zone */
};

/* audit.c: says it where there is an audit log.  ACTOR NULL: the caller; `details` may be NULL. */
void users_audit(const struct users *users, const struct ein_req *req, const char *actor,
                 const char *action, const char *target, json_t *take_details);

/* The routes. */
ein_handler user_get_me, user_put_limits, user_add_usage, user_reset_allowance, user_get_zone,
    user_put_zone;
ein_handler keys_get, keys_put, keys_delete, keys_effective;
ein_handler report_mine, report_all;
ein_handler admin_list, admin_put, admin_block, admin_unblock;
ein_handler admin_erase; /* erase.c */

/* The services. */
extern const struct ein_ledger ledger_service;
extern const struct ein_model_keys model_keys_service;
extern const struct ein_erasure users_erasure;
