/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "hash.h"
#include "http_json.h"
#include "model_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The revision of a user is one of both documents, "N-HASH": N grows with each write of either. */
static void user_rev(const struct account *account, char ret_rev[EIN_REV_SIZE])
{
    const char *user = text_of(account->user, "_rev"), *money = text_of(account->money, "_rev");
    uint64_t hash = hash_fnv(HASH_FNV_START, user, strlen(user) + 1);

    hash = hash_fnv(hash, money, strlen(money));
    snprintf(ret_rev, EIN_REV_SIZE, "%" PRIu64 "-%016" PRIx64,
             (uint64_t)(strtoull(user, NULL, 10) + strtoull(money, NULL, 10)), hash);
}

/* ---- usage ---- */

/* What a reported cost came with, or what the call was. */
static json_t *metadata_of(const json_t *entry)
{
    json_t *metadata = json_object_get(entry, "metadata");
    const char *model = text_of(entry, "model");

    if (metadata && !json_is_null(metadata))
        return json_incref(metadata);
    return model ? json_pack("{s:s?, s:s, s:s?, s:s?}", "provider", text_of(entry, "provider"),
                             "model", model, "agentId", text_of(entry, "agentId"), "requestId",
                             text_of(entry, "requestId"))
                 : json_null();
}

/* Found from the latest on, shown in order. */
static int insert_first(const json_t *entry, void *list)
{
    json_t *item =
        json_pack("{s:s, s:o, s:o}", "timestamp", text_of(entry, "timestamp"), "responseCost",
                  money_to_json(integer_of(entry, "costNano")), "metadata", metadata_of(entry));

    return json_array_insert_new(list, 0, item) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int read_usage(const struct users *users, const json_t *user, json_t *list,
                      struct ein_error *err)
{
    static const char *const latest_first[] = { "-userTime", NULL };
    EIN_JSON json_t *where =
        entry_where(text_of(user, "_id"), integer_of(user, "usageSinceUs"), INT64_MAX);
    struct ein_query query = { .struct_size = sizeof(query),
                               .limit = users->usage_shown,
                               .where = where,
                               .order = latest_first };

    if (!where)
        return error_no_memory(err);
    if (!users->usage_shown)
        return 0;
    int r =
        users->host->store->find(users->ctx, ENTRIES_SET, &query, insert_first, list, NULL, err);
    return r == EIN_E_NO_MEMORY ? error_no_memory(err) : r;
}

/* ---- the whole ---- */

/* A call may have cost more than was left: what is missing is nobody's to spend. */
static int64_t shown_left(const struct account *account)
{
    int64_t left = account_left(account);

    return left > 0 ? left : 0;
}

static json_t *make_usage_info(const struct account *account, json_t *usage)
{
    return json_pack("{s:o, s:I, s:o, s:O}", "monthlyAllowance",
                     money_to_json(integer_of(account->user, "allowanceNano")),
                     "allowanceResetDate", (json_int_t)integer_of(account->user, "resetDateMs"),
                     "spendRemaining", money_to_json(shown_left(account)), "usage", usage);
}

int user_show(const struct users *users, const struct account *account, json_t **ret_shown,
              struct ein_error *err)
{
    const json_t *user = account->user;
    EIN_JSON json_t *usage = json_array();
    EIN_JSON json_t *masks = NULL;
    json_t *blocked;
    char rev[EIN_REV_SIZE];
    int r = usage ? read_usage(users, user, usage, err) : error_no_memory(err);

    if (r == 0)
        r = model_key_masks(users, user, &masks, err);
    if (r < 0)
        return r;
    user_rev(account, rev);
    blocked = json_object_get(user, "blocked");
    *ret_shown = json_pack(
        "{s:O, s:s, s:O, s:O, s:O, s:O, s:o, s:O, s:O*}", "_id", json_object_get(user, "_id"),
        "_rev", rev, "createdAt", json_object_get(user, "createdAt"), "updatedAt",
        json_object_get(user, "updatedAt"), "basicInfo", json_object_get(user, "basicInfo"),
        "billingInfo", json_object_get(user, "billingInfo"), "usageInfo",
        make_usage_info(account, usage), "apiKeys", masks, "blocked",
        json_is_object(blocked) ? blocked : NULL);
    return *ret_shown ? 0 : error_no_memory(err);
}

int user_check_match(const struct users *users, struct ein_req *req, const char *uid)
{
    const struct ein_http *http = users->host->http;
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;
    char rev[EIN_REV_SIZE];

    if (!http->header(req, "If-Match"))
        return 0;
    if (account_get(users, uid, NULL, &account, &err) < 0)
        return http->fail_error(req, &err);
    user_rev(&account, rev);
    return check_rev(http, req, rev);
}

int user_reply(const struct users *users, struct ein_req *req, const struct account *account)
{
    const struct ein_http *http = users->host->http;
    struct ein_error err;
    json_t *shown;
    char rev[EIN_REV_SIZE];
    int r = user_show(users, account, &shown, &err);

    if (r < 0)
        return http->fail_error(req, &err);
    user_rev(account, rev);
    return reply_with_rev(http, req, 200, rev, shown);
}
