/* SPDX-License-Identifier: Apache-2.0 */
/* users: who there is, what each may spend and has spent, and their keys for vendors of models.
 *
 *   GET  /users/me                                 made with the defaults when first seen
 *   PUT  /users/me/monthly-allowance .../allowance-reset-date .../spend-remaining
 *   POST /users/me/reset-allowance
 *   GET POST /users/me/usage                       a report (JSON or CSV); a cost that is reported
 *   GET PUT  /users/me/time-zone
 *   GET PUT DELETE /users/me/api-keys              keys for vendors, sealed in the vault
 *   GET PUT  /admin/users, GET /admin/usage
 *   DELETE   /admin/users/{user_id}                erases what is theirs alone, and their name
 *   PUT DELETE /admin/users/{user_id}/blocked      keeps them out, and lets them in again
 *
 * Money is an integer number of nano-dollars.  Publishes ledger/1: who calls a vendor first sets
 * aside the most that the call may cost (refused where that is not left), then settles what it has
 * cost.  Each step is one atomic batch of the store, so that what is set aside and what is spent
 * together never exceed the allowance, whatever the number of callers and servers, and whenever
 * one of them is killed.  What is promised of a call:
 *   - it is settled once or not at all, and once settled it is on disk;
 *   - it has one trace: an entry with its cost, or an open hold, or, where its server died
 *     before it could settle, an expired hold whose bound is at least its cost.
 * With a journal a call is settled when its line is written there, which a kill of the server does
 * not undo, and in the store within settle_ms; only a loss of power in between makes it an expired
 * call.  purse.h says how.
 * What an expired call has cost only its vendor knows.  Its bound is given back when the lease of
 * the hold is over, the hold is kept in "ledger_expired", and usage reports count it as unsettled;
 * it can still be settled later.
 *
 * The allowance is full again each month: on the first day, or on the day and hour of
 * allowanceResetDate, in the user's time zone or the server's.  That is done when somebody next
 * looks or spends, once for all servers.
 *
 * Publishes model_keys/1: the user's key, else that of the environment: OPENAI_API_KEY
 * GEMINI_API_KEY ANTHROPIC_API_KEY PERPLEXITYAI_API_KEY AWS_BEARER_TOKEN_BEDROCK
 * OPENROUTER_API_KEY, each also as NAME_FILE.
 *
 * A user is erased by all that publish erasure/1, as this plugin does: their account stays without
 * a name, and what their calls have cost.
 *
 * Whoever is blocked is refused by all servers of a store, with the next request at this one and
 * within blocks_ms at the others; what they have going ends a second later, and what they have
 * stays. Nobody blocks themselves: whoever blocks is an admin, so that one is left.  Publishes
 * blocks/1.
 *
 * Needs storage_backend/1.  Asks vault/1 and audit/1 when there is something for them.
 *
 * Settings
 *   monthly_allowance     dollars a month of a new user (100)
 *   minimum_remaining     a call needs more dollars left than this (0)
 *   self_service_limits   may users change their own limits? (only where nobody logs in)
 *   usage_shown           entries of usageInfo.usage (100)
 *   hold_lease_ms         how long a hold lasts that nobody extends (300000)
 *   journal               a folder for what calls have cost until the store has it; "": each call
 *                         has a hold of its own, and waits for the store twice ("")
 *   settle_ms             how long the store may be behind the journal (50)
 *   settle_pending        how many calls it may be behind; then the next ones wait (50000)
 *   purse_share           a server sets aside at most one in so many dollars of what a user has
 *                         left, for calls to come (16)
 *   purse_idle_ms         when what no call has used goes back (2000)
 *   sweep_ms              how often holds are looked at whose lease is over (5000)
 *   no_key_ms             how long it is remembered that a user has no key of their own, which
 *                         another server may have been given meanwhile (1000)
 *   blocks_ms             how long a block at another server may be unknown here (1000)
 *   report_rows           the most that a report may have (10000)
 *   erase_ms              how long erasing a user waits for what they have running (10000)
 *   time_zone             where days and months begin for users who have not said (UTC)
 *   zone_folder           the time zone database (/usr/share/zoneinfo)
 *
 * Example
 *   plugins:
 *     users:
 *       monthly_allowance: 20
 *       time_zone: Europe/Berlin
 */
#include "blocks.h"
#include "http_json.h"
#include "init.h"
#include "ledger.h"
#include "no_keys.h"
#include "purse.h"
#include "user_schemas.h"
#include "users.h"

#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "monthly_allowance": {"type": "number", "minimum": 0, "maximum": 4000000, "default": 100,
                          "description": "What a new user may spend in a month, in dollars."},
    "minimum_remaining": {"type": "number", "minimum": 0, "maximum": 4000000, "default": 0,
                          "description": "A call that costs money needs more than this left, in dollars."},
    "self_service_limits": {"type": "boolean",
        "description": "May users change their own limits? Unset: only where nobody logs in."},
    "usage_shown": {"type": "integer", "minimum": 0, "maximum": 10000, "default": 100,
                    "description": "How many of the latest entries a user shows."},
    "hold_lease_ms": {"type": "integer", "minimum": 100, "maximum": 86400000, "default": 300000,
                      "description": "How long money is set aside for a call that is not heard of again."},
    "sweep_ms": {"type": "integer", "minimum": 10, "maximum": 3600000, "default": 5000,
                 "description": "How often money is looked for that was set aside by a dead server."},
    "journal": {"type": "string", "default": "",
                "description": "A folder for costs on their way to the store. Empty: calls wait for it."},
    "settle_ms": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 50,
                  "description": "How long the store may be behind the journal."},
    "settle_pending": {"type": "integer", "minimum": 1, "maximum": 10000000, "default": 50000,
                       "description": "How many calls the store may be behind; then the next ones wait."},
    "purse_share": {"type": "integer", "minimum": 2, "maximum": 1000000, "default": 16,
                    "description": "At most one dollar in so many is set aside for calls to come."},
    "purse_idle_ms": {"type": "integer", "minimum": 10, "maximum": 3600000, "default": 2000,
                      "description": "When what no call has used goes back."},
    "no_key_ms": {"type": "integer", "minimum": 0, "maximum": 60000, "default": 1000,
                  "description": "How long it is remembered that a user has no key for a vendor of their own."},
    "blocks_ms": {"type": "integer", "minimum": 10, "maximum": 60000, "default": 1000,
                  "description": "How long somebody who was blocked at another server may go on here."},
    "report_rows": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000,
                    "description": "The most rows that a usage report may have."},
    "erase_ms": {"type": "integer", "minimum": 0, "maximum": 600000, "default": 10000,
                 "description": "How long erasing a user waits for what they have running to end."},
    "time_zone": {"type": "string", "default": "UTC",
                  "description": "Where days and months begin, by its IANA name."},
    "zone_folder": {"type": "string", "default": "/usr/share/zoneinfo",
                    "description": "The time zone database: TZif files by their names."}
}});
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/users/me",
      .operation_id = "get_me",
      .summary = "The caller, with limits and usage",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = user_get_me },
    { .method = "PUT",
      .path = "/users/me/monthly-allowance",
      .operation_id = "set_monthly_allowance",
      .summary = "Change one's allowance; lowers what is left to it",
      .auth = EIN_AUTH_USER,
      .body_schema = ALLOWANCE_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = user_put_limits },
    { .method = "PUT",
      .path = "/users/me/allowance-reset-date",
      .operation_id = "set_allowance_reset_date",
      .summary = "Change when one's allowance is reset",
      .auth = EIN_AUTH_USER,
      .body_schema = RESET_DATE_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = user_put_limits },
    { .method = "PUT",
      .path = "/users/me/spend-remaining",
      .operation_id = "set_spend_remaining",
      .summary = "Change what is left",
      .auth = EIN_AUTH_USER,
      .body_schema = SPEND_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = user_put_limits },
    { .method = "POST",
      .path = "/users/me/usage",
      .operation_id = "add_usage",
      .summary = "Report a cost",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_ONCE,
      .body_schema = USAGE_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = user_add_usage },
    { .method = "GET",
      .path = "/users/me/usage",
      .operation_id = "get_usage",
      .summary = "What one's calls have cost, by day, model, agent or key",
      .auth = EIN_AUTH_USER,
      .query_schema = REPORT_MINE_QUERY,
      .reply_schema = REPORT_SCHEMA,
      .reply_type = "application/json, text/csv",
      .scope = "admin:read",
      .status = 200,
      .handle = report_mine },
    { .method = "POST",
      .path = "/users/me/reset-allowance",
      .operation_id = "reset_allowance",
      .summary = "Begin the month anew",
      .auth = EIN_AUTH_USER,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = user_reset_allowance },
    { .method = "GET",
      .path = "/users/me/time-zone",
      .operation_id = "get_time_zone",
      .summary = "Where one's days and months begin",
      .auth = EIN_AUTH_USER,
      .reply_schema = ZONE_REPLY_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = user_get_zone },
    { .method = "PUT",
      .path = "/users/me/time-zone",
      .operation_id = "set_time_zone",
      .summary = "Change where one's days and months begin",
      .auth = EIN_AUTH_USER,
      .body_schema = ZONE_SCHEMA,
      .reply_schema = ZONE_REPLY_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = user_put_zone },
    { .method = "GET",
      .path = "/users/me/api-keys",
      .operation_id = "get_model_keys",
      .summary = "Masks of one's keys for vendors",
      .auth = EIN_AUTH_USER,
      .reply_schema = MASKS_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = keys_get },
    { .method = "PUT",
      .path = "/users/me/api-keys",
      .operation_id = "set_model_key",
      .summary = "Keep a key for a vendor",
      .auth = EIN_AUTH_USER,
      .body_schema = KEY_PUT_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = keys_put },
    { .method = "DELETE",
      .path = "/users/me/api-keys/{provider}",
      .operation_id = "delete_model_key",
      .summary = "Forget a key for a vendor",
      .auth = EIN_AUTH_USER,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = keys_delete },
    { .method = "GET",
      .path = "/users/me/api-keys/{provider}/effective",
      .operation_id = "get_effective_key",
      .summary = "Whose key a call would use",
      .auth = EIN_AUTH_USER,
      .reply_schema = EFFECTIVE_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = keys_effective },
    { .method = "GET",
      .path = "/admin/users",
      .operation_id = "list_users",
      .summary = "All users, in order of creation",
      .auth = EIN_AUTH_ADMIN,
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = USER_LIST_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = admin_list },
    { .method = "PUT",
      .path = "/admin/users/{user_id}",
      .operation_id = "update_user",
      .summary = "Change a user's limits",
      .auth = EIN_AUTH_ADMIN,
      .body_schema = ADMIN_PUT_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = admin_put },
    { .method = "DELETE",
      .path = "/admin/users/{user_id}",
      .operation_id = "erase_user",
      .summary = "Delete all that is a user's alone, and their name; what calls have cost stays",
      .auth = EIN_AUTH_ADMIN,
      .reply_schema = ERASED_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = admin_erase },
    { .method = "PUT",
      .path = "/admin/users/{user_id}/blocked",
      .operation_id = "block_user",
      .summary = "Keep a user out, whatever they log in with",
      .auth = EIN_AUTH_ADMIN,
      .body_schema = BLOCK_SCHEMA,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = admin_block },
    { .method = "DELETE",
      .path = "/admin/users/{user_id}/blocked",
      .operation_id = "unblock_user",
      .summary = "Let a user in again",
      .auth = EIN_AUTH_ADMIN,
      .reply_schema = USER_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = admin_unblock },
    { .method = "GET",
      .path = "/admin/usage",
      .operation_id = "get_all_usage",
      .summary = "What all calls have cost, by day, model, agent, key or user",
      .auth = EIN_AUTH_ADMIN,
      .query_schema = REPORT_ALL_QUERY,
      .reply_schema = REPORT_SCHEMA,
      .reply_type = "application/json, text/csv",
      .scope = "admin:read",
      .status = 200,
      .handle = report_all },
};

static void fini(void *self)
{
    struct users *users = self;

    purses_close(users);
    zone_free(users->zone);
    no_keys_free(users->no_keys);
    blocks_free(users->blocks);
    free(users);
}

static int read_settings(struct users *users, const json_t *config, struct ein_error *err)
{
    const json_t *self_service = json_object_get(config, "self_service_limits");
    int r = money_from_json(json_object_get(config, "monthly_allowance"), &users->allowance, err);

    users->self_service = json_is_boolean(self_service) ? json_is_true(self_service) : -1;
    users->usage_shown = setting_of(config, "usage_shown");
    users->lease_ms = setting_of(config, "hold_lease_ms");
    users->sweep_ms = setting_of(config, "sweep_ms");
    users->journal_folder = text_of(config, "journal");
    users->settle_ms = setting_of(config, "settle_ms");
    users->erase_ms = setting_of(config, "erase_ms");
    users->settle_pending = (size_t)integer_of(config, "settle_pending");
    users->purse_share = setting_of(config, "purse_share");
    users->purse_idle_ms = setting_of(config, "purse_idle_ms");
    users->blocks_ms = setting_of(config, "blocks_ms");
    users->report_rows = (size_t)integer_of(config, "report_rows");
    users->time_zone = text_of(config, "time_zone");
    users->zone_folder = text_of(config, "zone_folder");
    return r < 0 ? r
                 : money_from_json(json_object_get(config, "minimum_remaining"), &users->minimum,
                                   err);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct users *users = calloc(1, sizeof(*users));

    if (!users)
        return error_no_memory(err);
    users->host = host;
    users->ctx = ctx;
    users->no_keys = no_keys_new(setting_of(config, "no_key_ms"));
    users->blocks = blocks_new();
    int r =
        users->no_keys && users->blocks ? read_settings(users, config, err) : error_no_memory(err);
    if (r >= 0)
        r = host->publish(ctx, EIN_LEDGER, "users", &ledger_service, users, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_MODEL_KEYS, "users", &model_keys_service, users, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "profile", &users_erasure, users, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_BLOCKS, "users", &blocks_service, users, err);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, users, err);
    return init_done(r, users, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    static const char *const indexes[][2] = {
        { HOLDS_SET, "dueAt" },      { HOLDS_SET, "createdAtUs" },   { EXPIRED_SET, "createdAtUs" },
        { ENTRIES_SET, "userTime" }, { ENTRIES_SET, "createdAtUs" }, { BUDGETS_SET, "dueAt" },
        { EXPIRED_SET, "userId" },   { BUDGETS_SET, "userId" },      { USERS_SET, "blockedMs" },
    };
    struct users *users = self;
    int r = zone_load(users->zone_folder, users->time_zone, &users->zone, err);

    for (size_t i = 0; r >= 0 && i < sizeof(indexes) / sizeof(indexes[0]); i++)
        r = users->host->store->index(users->ctx, indexes[i][0], indexes[i][1], err);
    if (r >= 0)
        r = users->host->every(users->ctx, users->sweep_ms, ledger_sweep, users);
    if (r >= 0)
        r = users->host->every(users->ctx, BUDGET_SWEEP_MS, key_budget_sweep, users);
    if (r >= 0)
        r = users->host->every(users->ctx, users->blocks_ms, blocks_look, users);
    if (r >= 0)
        r = blocks_read(users, err);
    return r < 0 ? r : purses_open(users, err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "users",
    .version = "0.1.0",
    .summary = "What users may spend and have spent, and their keys for vendors",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .stop = purses_stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
