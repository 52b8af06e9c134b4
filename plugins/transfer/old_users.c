/* SPDX-License-Identifier: Apache-2.0 */
/* Users: what they may spend, what they have spent, and their keys for vendors. */
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "model_key.h"
#include "old.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define USER_SET    "users"
#define ACCOUNT_SET "ledger_accounts"
#define ENTRY_SET   "ledger_entries"

#define NANO      1e9
#define MONEY_MAX 4e6 /* dollars */

enum { UID_MAX = 380, VAULT_NAME_MAX = 512 };

static const struct {
    const char *provider, *member;
} key_members[] = {
    { "openai", "openaiApiKey" },         { "anthropic", "anthropicApiKey" },
    { "gemini", "geminiApiKey" },         { "perplexity", "perplexityApiKey" },
    { "openrouter", "openrouterApiKey" },
};

/* ---- money ---- */

/* The dollars at NAME in nano-dollars; what is absent is OTHERWISE.  false: it is not an amount. */
static bool take_money(const json_t *usage, const char *name, double otherwise, int64_t *ret_nano)
{
    const json_t *value = old_member(usage, name);
    double dollars = value ? json_number_value(value) : otherwise;

    if ((value && !json_is_number(value)) || !(dollars >= 0 && dollars <= MONEY_MAX))
        return false;
    *ret_nano = llround(dollars * NANO);
    return true;
}

/* The first of the next month: until then what is left stays what it was. */
static int64_t next_month_ms(void)
{
    time_t now = time(NULL);
    struct tm tm = { 0 };

    (void)gmtime_r(&now, &tm);
    tm = (struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon + 1, .tm_mday = 1 };
    return (int64_t)timegm(&tm) * 1000;
}

/* ---- keys ---- */

static int seal_key(struct old *old, const struct ein_vault *vault, void *impl, const char *uid,
                    const char *provider, const char *key, struct ein_error *err)
{
    char name[VAULT_NAME_MAX];
    int r;

    model_key_name(name, sizeof(name), uid, provider);
    r = vault->put(impl, name, key, err);
    if (r >= 0)
        old->keys++;
    return r;
}

/* Into the vault, and the providers' names into PROVIDERS. */
static int seal_keys(struct old *old, const char *uid, const json_t *keys, json_t *providers,
                     struct ein_error *err)
{
    const struct ein_host *host = old->transfer->host;
    const struct ein_service *service;
    int r = host->acquire(old->transfer->ctx, EIN_VAULT, NULL, &service);

    if (r < 0)
        return error_set(err, r, "there is no vault for the keys of users: the plugin is off");
    for (size_t i = 0; i < sizeof(key_members) / sizeof(key_members[0]) && r >= 0; i++) {
        const char *key = old_text(keys, key_members[i].member);

        if (!key || !*key)
            continue;
        r = seal_key(old, service->vtable, service->impl, uid, key_members[i].provider, key, err);
        if (r >= 0 && json_array_append_new(providers, json_string(key_members[i].provider)) < 0)
            r = error_no_memory(err);
    }
    host->release(old->transfer->ctx, service);
    return r;
}

/* ---- what was spent ---- */

static json_t *entry_of(const char *uid, const json_t *usage)
{
    EIN_JSON json_t *key = NULL;
    char text[CLOCK_ISO_SIZE];
    const json_t *metadata = old_member(usage, "metadata");
    int64_t cost, us;

    if (!take_money(usage, "responseCost", -1, &cost) ||
        !old_time(old_text(usage, "timestamp"), &us, text))
        return NULL;
    key = json_sprintf("%s|%020" PRId64, uid, us);
    return json_pack("{s:s, s:O, s:s, s:I, s:I, s:O*}", "userId", uid, "userTime", key, "timestamp",
                     text, "createdAtUs", (json_int_t)us, "costNano", (json_int_t)cost, "metadata",
                     metadata);
}

/* Their ids are made of their places, so that they are the same the next time. */
static int put_usage(struct old *old, const char *uid, const json_t *usage, struct ein_error *err)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach(usage, i, item)
    {
        char id[UID_MAX + 64];
        json_t *entry = entry_of(uid, item);

        (void)snprintf(id, sizeof(id), "old|%s|%zu", uid, i);
        if (!entry)
            old->bad_usage++;
        if (entry && r >= 0)
            r = load_begin(old->load, load_tally(old->load, "usage"), err);
        if (entry && r >= 0)
            r = load_put(old->load, ENTRY_SET, id, EIN_TAKE(entry), err);
        json_decref(entry);
    }
    return r;
}

/* ---- the user ---- */

struct money {
    int64_t allowance, left, date_ms;
};

static json_t *names_of(const json_t *info, const char *first, const char *second)
{
    return json_pack("{s:s?, s:s?}", first, old_text(info, first), second, old_text(info, second));
}

static json_t *user_of(const json_t *doc, const struct money *money, json_t *providers)
{
    char created[CLOCK_ISO_SIZE], updated[CLOCK_ISO_SIZE];
    int64_t us, due = next_month_ms();

    if (!old_time(old_text(doc, "createdAt"), &us, created))
        clock_iso(created);
    if (!old_time(old_text(doc, "updatedAt"), &us, updated))
        clock_iso(updated);
    if (money->date_ms > clock_wall_ms())
        due = money->date_ms;
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:n, s:O, s:I}", "createdAt",
                     created, "updatedAt", updated, "basicInfo",
                     names_of(old_member(doc, "basicInfo"), "displayName", "email"), "billingInfo",
                     names_of(old_member(doc, "billingInfo"), "plan", "status"), "allowanceNano",
                     (json_int_t)money->allowance, "resetDateMs", (json_int_t)money->date_ms,
                     "anchorMs", (json_int_t)money->date_ms, "lastResetMs", (json_int_t)0,
                     "usageSinceUs", (json_int_t)0, "timeZone", "keyProviders", providers,
                     "resetAtMs", (json_int_t)due);
}

static int put_user(struct old *old, struct load_tally *tally, const json_t *doc,
                    const struct money *money, struct ein_error *err)
{
    const char *uid = text_of(doc, "_id");
    EIN_JSON json_t *providers = json_array();
    int r = seal_keys(old, uid, old_member(doc, "apiKeys"), providers, err);

    if (r >= 0)
        r = load_begin(old->load, tally, err);
    if (r >= 0)
        r = load_put(old->load, USER_SET, uid, user_of(doc, money, providers), err);
    if (r >= 0)
        r = load_put(old->load, ACCOUNT_SET, uid,
                     json_pack("{s:I, s:I}", "remainingNano", (json_int_t)money->left, "heldNano",
                               (json_int_t)0),
                     err);
    return r < 0 ? r : put_usage(old, uid, old_member(old_member(doc, "usageInfo"), "usage"), err);
}

int old_take_user(struct old *old, struct load_tally *tally, const json_t *doc, char why[WHY_SIZE],
                  struct ein_error *err)
{
    const struct transfer *transfer = old->transfer;
    const json_t *usage = old_member(doc, "usageInfo");
    const char *uid = text_of(doc, "_id");
    EIN_JSON json_t *there = NULL;
    struct money money;
    int r;

    if (strlen(uid) > UID_MAX || !*uid) {
        (void)snprintf(why, WHY_SIZE, "its _id is not a user's id");
        return 1;
    }
    if (!take_money(usage, "monthlyAllowance", 100, &money.allowance) ||
        !take_money(usage, "spendRemaining", 100, &money.left)) {
        (void)snprintf(why, WHY_SIZE, "its allowance, or what is left of it, is not an amount");
        return 1;
    }
    money.date_ms = old_integer(usage, "allowanceResetDate");
    r = transfer->host->store->get(transfer->ctx, USER_SET, uid, &there, err);
    if (r >= 0)
        tally->same++;
    return r == EIN_E_NOT_FOUND ? put_user(old, tally, doc, &money, err) : r;
}
