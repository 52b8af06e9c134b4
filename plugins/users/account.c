/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include "calendar.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "purse.h"

#include <string.h>

/* Whoever moves to another time zone has no second month in this one. */
#define SHORTEST_MONTH_MS (INT64_C(15) * 86400 * 1000)

void account_done(struct account *account)
{
    json_decref(account->user);
    json_decref(account->money);
    *account = (struct account){ 0 };
}

int64_t account_left(const struct account *account)
{
    return integer_of(account->money, "remainingNano") + integer_of(account->money, "heldNano");
}

/* ---- when the allowance is due ---- */

int account_zone(const struct users *users, const char *time_zone, struct zone **ret_zone,
                 struct ein_error *err)
{
    int r = time_zone ? zone_load(users->zone_folder, time_zone, ret_zone, err) : EIN_E_NOT_FOUND;

    if (r == EIN_E_NOT_FOUND || r == EIN_E_INVALID) {
        *ret_zone = users->zone;
        return 0;
    }
    return r;
}

void account_zone_free(const struct users *users, struct zone *zone)
{
    if (zone != users->zone)
        zone_free(zone);
}

static int next_reset(const struct users *users, int64_t anchor_ms, int64_t last_ms,
                      const char *time_zone, int64_t *ret_ms, struct ein_error *err)
{
    int64_t after_ms = clock_wall_ms();
    struct zone *zone;
    int r = account_zone(users, time_zone, &zone, err);

    if (r < 0)
        return r;
    if (anchor_ms <= after_ms && after_ms < last_ms + SHORTEST_MONTH_MS)
        after_ms = last_ms + SHORTEST_MONTH_MS;
    *ret_ms = calendar_next_month(zone, anchor_ms, after_ms);
    account_zone_free(users, zone);
    return 0;
}

int account_schedule(const struct users *users, const json_t *user, int64_t date_ms,
                     const char *time_zone, json_t *members, struct ein_error *err)
{
    int64_t due_ms;
    int r = next_reset(users, date_ms, integer_of(user, "lastResetMs"), time_zone, &due_ms, err);

    if (r == 0 && json_object_set_new(members, "resetAtMs", json_integer(due_ms)) < 0)
        return error_no_memory(err);
    return r;
}

/* ---- making ---- */

static int check_uid(const char *uid, struct ein_error *err)
{
    size_t len = uid ? strlen(uid) : 0;

    if (len == 0 || len > UID_MAX)
        return error_set(err, EIN_E_INVALID, "The id of a user has 1 to %d bytes", UID_MAX);
    return 0;
}

static json_t *new_user(const struct users *users)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    return json_pack("{s:s, s:s, s:{s:n, s:n}, s:{s:n, s:n}, s:I, s:I, s:I, s:I, s:I, s:n, s:[]}",
                     "createdAt", now, "updatedAt", now, "basicInfo", "displayName", "email",
                     "billingInfo", "plan", "status", "allowanceNano", (json_int_t)users->allowance,
                     "resetDateMs", (json_int_t)0, "anchorMs", (json_int_t)0, "lastResetMs",
                     (json_int_t)0, "usageSinceUs", (json_int_t)0, "timeZone", "keyProviders");
}

static int make(const struct users *users, const char *uid, struct ein_error *err)
{
    EIN_JSON json_t *user = new_user(users);
    EIN_JSON json_t *money = json_pack("{s:I, s:I}", "remainingNano", (json_int_t)users->allowance,
                                       "heldNano", (json_int_t)0);

    if (!user || !money)
        return error_no_memory(err);
    int r = account_schedule(users, user, 0, NULL, user, err);
    if (r < 0)
        return r;
    struct ein_doc_op ops[] = {
        { .kind = EIN_DOC_PUT, .set = USERS_SET, .id = uid, .expect = EIN_REV_NEW, .doc = user },
        { .kind = EIN_DOC_PUT,
          .set = ACCOUNTS_SET,
          .id = uid,
          .expect = EIN_REV_NEW,
          .doc = money },
    };
    r = users->host->store->batch(users->ctx, ops, 2, sizeof(ops[0]), err);
    return r == EIN_E_CONFLICT ? 0 : r; /* somebody else was quicker */
}

static int read_or_make(const struct users *users, const char *uid, json_t **ret_user,
                        struct ein_error *err)
{
    const struct ein_store *store = users->host->store;
    int r = check_uid(uid, err);

    if (r == 0)
        r = store->get(users->ctx, USERS_SET, uid, ret_user, err);
    if (r != EIN_E_NOT_FOUND)
        return r;
    r = make(users, uid, err);
    return r < 0 ? r : store->get(users->ctx, USERS_SET, uid, ret_user, err);
}

/* ---- changing ---- */

/* CONFLICT: another change got in between. */
static int apply(const struct users *users, const char *uid, const struct account *account,
                 struct change *change, struct ein_error *err)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    if (json_object_set_new(change->members, "updatedAt", json_string(now)) < 0)
        return error_no_memory(err);
    struct ein_doc_op ops[2 + CHANGE_MORE_MAX] = {
        { .kind = EIN_DOC_UPDATE,
          .set = USERS_SET,
          .id = uid,
          .expect = text_of(account->user, "_rev"),
          .doc = change->members },
        { .kind = EIN_DOC_UPDATE,
          .set = ACCOUNTS_SET,
          .id = uid,
          .add_field = "remainingNano",
          .add_by = change->left - account_left(account),
          .add_min = INT64_MIN },
    };
    size_t count = change->sets_left ? 2 : 1;

    for (size_t i = 0; i < change->more_count; i++)
        ops[count++] = change->more[i];
    return users->host->store->batch(users->ctx, ops, count, sizeof(ops[0]), err);
}

static int read_account(const struct users *users, const char *uid, struct account *ret_account,
                        struct ein_error *err)
{
    struct account account = { 0 };
    int r = read_or_make(users, uid, &account.user, err);

    if (r == 0)
        r = users->host->store->get(users->ctx, ACCOUNTS_SET, uid, &account.money, err);
    if (r < 0) {
        account_done(&account);
        return r;
    }
    *ret_account = account;
    return 0;
}

static int change_once(const struct users *users, const char *uid, account_edit *edit, void *data,
                       struct ein_error *err)
{
    EIN_ACCOUNT struct account account = { 0 };
    EIN_JSON json_t *members = json_object();
    struct change change = { .members = members };
    int r = members ? read_account(users, uid, &account, err) : error_no_memory(err);

    if (r == 0)
        r = edit(&account, &change, data, err);
    if (r != 0 || (json_object_size(members) == 0 && !change.sets_left))
        return r;
    return apply(users, uid, &account, &change, err);
}

static int change(const struct users *users, const char *uid, account_edit *edit, void *data,
                  struct ein_error *err)
{
    int r = EIN_E_CONFLICT;

    for (int tries = 0; r == EIN_E_CONFLICT && tries < CHANGE_TRIES; tries++)
        r = change_once(users, uid, edit, data, err);
    return r;
}

/* ---- what is due ---- */

bool account_is_due(const json_t *user)
{
    return clock_wall_ms() >= integer_of(user, "resetAtMs");
}

/* Once for all servers: who comes second finds it done. */
static int reset_if_due(const struct account *account, struct change *change, void *data,
                        struct ein_error *err)
{
    const struct users *users = data;
    int64_t now = clock_wall_ms(), next_ms, date_ms = integer_of(account->user, "resetDateMs");

    if (now < integer_of(account->user, "resetAtMs"))
        return 0;
    int r = next_reset(users, integer_of(account->user, "anchorMs"), now,
                       text_of(account->user, "timeZone"), &next_ms, err);
    if (r < 0)
        return r;
    if (json_object_set_new(change->members, "resetAtMs", json_integer(next_ms)) < 0 ||
        json_object_set_new(change->members, "lastResetMs", json_integer(now)) < 0 ||
        (date_ms && json_object_set_new(change->members, "resetDateMs", json_integer(next_ms)) < 0))
        return error_no_memory(err);
    change->sets_left = true;
    change->left = integer_of(account->user, "allowanceNano");
    return 0;
}

int account_ensure(const struct users *users, const char *uid, json_t **ret_user,
                   struct ein_error *err)
{
    EIN_JSON json_t *user = NULL;
    int r = read_or_make(users, uid, &user, err);

    if (r < 0)
        return r;
    if (account_is_due(user)) {
        r = change(users, uid, reset_if_due, (void *)users, err);
        if (r < 0)
            return r;
    }
    *ret_user = EIN_TAKE(user);
    return 0;
}

/* ---- who it is ---- */

static bool is_news(const char *said, const char *known)
{
    return said && *said && (!known || strcmp(said, known) != 0);
}

static int take_identity(const struct account *account, struct change *change, void *data,
                         struct ein_error *err)
{
    const struct ein_identity *identity = data;
    const json_t *known = json_object_get(account->user, "basicInfo");
    const char *name = text_of(known, "displayName"), *email = text_of(known, "email");

    json_t *info = json_pack("{s:s?, s:s?}", "displayName",
                             is_news(identity->name, name) ? identity->name : name, "email",
                             is_news(identity->email, email) ? identity->email : email);
    return json_object_set_new(change->members, "basicInfo", info) < 0 ? error_no_memory(err) : 0;
}

static bool is_known(const json_t *user, const struct ein_identity *identity)
{
    const json_t *known = json_object_get(user, "basicInfo");

    return !is_news(identity->name, text_of(known, "displayName")) &&
           !is_news(identity->email, text_of(known, "email"));
}

int account_get(const struct users *users, const char *uid, const struct ein_identity *identity,
                struct account *ret_account, struct ein_error *err)
{
    EIN_JSON json_t *user = NULL;
    int r = purse_flush(users, err);

    if (r == 0)
        r = account_ensure(users, uid, &user, err);
    if (r == 0 && identity && !is_known(user, identity))
        r = change(users, uid, take_identity, (void *)identity, err);
    return r < 0 ? r : read_account(users, uid, ret_account, err);
}

int account_change(const struct users *users, const char *uid, account_edit *edit, void *data,
                   struct account *ret_account, struct ein_error *err)
{
    EIN_JSON json_t *user = NULL;
    int r = purse_flush(users, err);

    if (r == 0)
        r = account_ensure(users, uid, &user, err);
    if (r == 0)
        r = change(users, uid, edit, data, err);
    if (r == 0)
        purse_shrink(users, uid, NULL); /* what is left is seen by the next call */
    return r != 0 ? r : read_account(users, uid, ret_account, err);
}
