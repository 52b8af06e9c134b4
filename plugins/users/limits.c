/* SPDX-License-Identifier: Apache-2.0 */
/* /users/me and its limits */
#include "limits.h"

#include "cleanup.h"
#include "error.h"
#include "show.h"

#include <string.h>

/* ---- limits ---- */

static int read_dollars(const json_t *body, const char *name, bool *ret_has, int64_t *ret_nano,
                        struct ein_error *err)
{
    const json_t *value = json_object_get(body, name);

    *ret_has = value && !json_is_null(value);
    return *ret_has ? money_from_json(value, ret_nano, err) : 0;
}

int limits_read(const struct users *users, const json_t *body, struct limits *ret_limits,
                struct ein_error *err)
{
    const json_t *date = json_object_get(body, "allowanceResetDate");

    *ret_limits = (struct limits){ .users = users,
                                   .has_date = json_is_number(date),
                                   .date_ms = (int64_t)json_number_value(date) };
    int r = read_dollars(body, "monthlyAllowance", &ret_limits->has_allowance,
                         &ret_limits->allowance, err);
    return r < 0 ? r
                 : read_dollars(body, "spendRemaining", &ret_limits->has_spend, &ret_limits->spend,
                                err);
}

static int edit_date(const struct limits *limits, const json_t *user, json_t *members,
                     struct ein_error *err)
{
    if (json_object_set_new(members, "resetDateMs", json_integer(limits->date_ms)) < 0 ||
        json_object_set_new(members, "anchorMs", json_integer(limits->date_ms)) < 0)
        return error_no_memory(err);
    return account_schedule(limits->users, user, limits->date_ms, text_of(user, "timeZone"),
                            members, err);
}

int limits_edit(const struct account *account, struct change *change, void *data,
                struct ein_error *err)
{
    const struct limits *limits = data;

    change->left = account_left(account);
    if (limits->has_allowance) {
        change->sets_left = change->left > limits->allowance;
        if (change->sets_left)
            change->left = limits->allowance;
        if (json_object_set_new(change->members, "allowanceNano", json_integer(limits->allowance)) <
            0)
            return error_no_memory(err);
    }
    int r = limits->has_date ? edit_date(limits, account->user, change->members, err) : 0;
    if (limits->has_spend) {
        change->sets_left = true;
        change->left = limits->spend;
    }
    return r;
}

/* ---- routes ---- */

static const struct ein_identity *caller(const struct users *users, const struct ein_req *req)
{
    return users->host->http->identity(req);
}

int user_get_me(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_identity *identity = caller(users, req);
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;

    if (account_get(users, identity->uid, identity, &account, &err) < 0)
        return users->host->http->fail_error(req, &err);
    return user_reply(users, req, &account);
}

/* 0, or the status that was replied. */
static int check_self_service(const struct users *users, struct ein_req *req)
{
    bool is_local = strcmp(caller(users, req)->proof, "loopback") == 0;

    if (users->self_service < 0 ? is_local : users->self_service)
        return 0;
    return users->host->http->fail(req, 403, "Limits are changed by an administrator.");
}

static int change_me(struct ein_req *req, const struct users *users, const char *action,
                     account_edit *edit, void *data, json_t *take_details)
{
    const char *uid = caller(users, req)->uid;
    EIN_JSON json_t *details = take_details;
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;

    if (account_change(users, uid, edit, data, &account, &err) < 0)
        return users->host->http->fail_error(req, &err);
    users_audit(users, req, NULL, action, uid, EIN_TAKE(details));
    return user_reply(users, req, &account);
}

int user_put_limits(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const json_t *body = users->host->http->body(req);
    struct limits limits;
    struct ein_error err;
    int r = check_self_service(users, req);

    if (r == 0)
        r = user_check_match(users, req, caller(users, req)->uid);
    if (r != 0)
        return r;
    if (limits_read(users, body, &limits, &err) < 0)
        return users->host->http->fail_error(req, &err);
    return change_me(req, users, "limits_changed", limits_edit, &limits,
                     json_incref((json_t *)body));
}

static int reset(const struct account *account, struct change *change, void *data,
                 struct ein_error *err)
{
    (void)data;
    change->sets_left = true;
    change->left = integer_of(account->user, "allowanceNano");
    return json_object_set_new(change->members, "usageSinceUs", json_integer(clock_wall_us())) < 0
               ? error_no_memory(err)
               : 0;
}

int user_reset_allowance(struct ein_req *req, void *self)
{
    const struct users *users = self;
    int r = check_self_service(users, req);

    if (r == 0)
        r = user_check_match(users, req, caller(users, req)->uid);
    return r != 0 ? r : change_me(req, users, "allowance_reset", reset, NULL, NULL);
}

/* ---- the time zone ---- */

static int reply_zone(const struct users *users, struct ein_req *req, const json_t *user)
{
    const char *own = text_of(user, "timeZone");

    return users->host->http->reply(
        req, 200,
        json_pack("{s:s?, s:s}", "timeZone", own, "effective", own ? own : users->time_zone));
}

int user_get_zone(struct ein_req *req, void *self)
{
    const struct users *users = self;
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;

    if (account_get(users, caller(users, req)->uid, NULL, &account, &err) < 0)
        return users->host->http->fail_error(req, &err);
    return reply_zone(users, req, account.user);
}

struct moving {
    const struct users *users;
    const char *zone; /* NULL: the server's */
};

/* The month that has begun goes on; the next one begins where they are now. */
static int move(const struct account *account, struct change *change, void *data,
                struct ein_error *err)
{
    const struct moving *moving = data;

    if (json_object_set_new(change->members, "timeZone",
                            moving->zone ? json_string(moving->zone) : json_null()) < 0)
        return error_no_memory(err);
    return account_schedule(moving->users, account->user, integer_of(account->user, "anchorMs"),
                            moving->zone, change->members, err);
}

int user_put_zone(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    struct moving moving = { users, text_of(http->body(req), "timeZone") };
    EIN_ACCOUNT struct account account = { 0 };
    struct zone *zone = NULL;
    struct ein_error err;

    if (moving.zone && zone_load(users->zone_folder, moving.zone, &zone, &err) < 0)
        return http->fail(req, 400, "%s", err.text);
    zone_free(zone);
    int r = account_change(users, caller(users, req)->uid, move, &moving, &account, &err);
    return r < 0 ? http->fail_error(req, &err) : reply_zone(users, req, account.user);
}

/* ---- usage that is reported ---- */

int user_add_usage(struct ein_req *req, void *self)
{
    struct users *users = self;
    const struct ein_http *http = users->host->http;
    const json_t *body = http->body(req), *metadata = json_object_get(body, "metadata");
    struct ein_ledger_entry entry = { .struct_size = sizeof(entry),
                                      .user_id = caller(users, req)->uid,
                                      .request_id = http->request_id(req),
                                      .metadata = json_is_object(metadata) ? metadata : NULL };
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;
    int r = money_from_json(json_object_get(body, "responseCost"), &entry.cost, &err);

    if (r == 0)
        r = ledger_service.settle(users, NULL, &entry, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    if (account_get(users, entry.user_id, NULL, &account, NULL) == 0)
        r = user_reply(users, req, &account);
    if (r == 200)
        return r;
    /* Or it would be reported again. */
    return http->fail(req, 503,
                      "The cost was recorded, but the user cannot be read at the moment.");
}
