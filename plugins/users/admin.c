/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/users */
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "limits.h"
#include "purse.h"
#include "show.h"

enum { LIST_AT_ONCE = 500 /* users whose accounts are read together */ };

struct listing {
    const struct users *users;
    struct ein_req *req;
    json_t *some; /* users that have been found, but not shown yet */
    struct buf *list;
    struct ein_error *err;
};

static int read_money(const struct listing *listing, json_t *money)
{
    const struct ein_host *host = listing->users->host;
    EIN_JSON json_t *ids = json_array();
    EIN_JSON json_t *where = json_pack("{s:{s:O}}", "_id", "$in", ids);
    const struct ein_query query = { .struct_size = sizeof(query), .where = where };
    int r = where && money ? 0 : EIN_E_NO_MEMORY;

    for (size_t i = 0; r == 0 && i < json_array_size(listing->some); i++)
        r = append_id(json_array_get(listing->some, i), ids);
    if (r == 0)
        r = host->store->find(listing->users->ctx, ACCOUNTS_SET, &query, add_by_id, money, NULL,
                              listing->err);
    return r == EIN_E_NO_MEMORY ? error_no_memory(listing->err) : r;
}

static int show(const struct listing *listing, json_t *user, json_t *money)
{
    const struct users *users = listing->users;
    EIN_ACCOUNT struct account account = { 0 };
    json_t *shown = NULL;
    int r = 0;

    if (!money || account_is_due(user))
        r = account_get(users, text_of(user, "_id"), NULL, &account, listing->err);
    else
        account = (struct account){ json_incref(user), json_incref(money) };
    if (r == 0)
        r = user_show(users, &account, &shown, listing->err);
    if (r < 0)
        return r;
    return list_add(users->host, listing->list, shown) < 0 ? error_no_memory(listing->err) : 0;
}

/* Each as it is now, with what was due. */
static int show_some(struct listing *listing)
{
    const struct ein_host *host = listing->users->host;
    EIN_JSON json_t *money = json_object();
    int r = read_money(listing, money);
    json_t *user;
    size_t i;

    json_array_foreach(listing->some, i, user)
    {
        if (r == 0 && host->cancel->fired(host->http->cancel(listing->req)))
            r = error_set(listing->err, EIN_E_CANCELLED, "The client is gone");
        if (r == 0)
            r = show(listing, user, json_object_get(money, text_of(user, "_id")));
    }
    (void)json_array_clear(listing->some);
    return r;
}

static int add_user(const json_t *user, void *data)
{
    struct listing *listing = data;

    if (json_array_append(listing->some, (json_t *)user) < 0)
        return error_no_memory(listing->err);
    return json_array_size(listing->some) < LIST_AT_ONCE ? 0 : show_some(listing);
}

int admin_list(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    EIN_JSON json_t *some = json_array();
    EIN_BUF struct buf list = BUF_INIT;
    struct ein_query query = { .struct_size = sizeof(query) };
    struct ein_error err;
    struct listing listing = { users, req, some, &list, &err };
    char *cursor = NULL;

    if (!some)
        return EIN_E_NO_MEMORY;
    page_read(http, req, &query);
    int r = purse_flush(users, &err);
    if (r == 0)
        r = users->host->store->find(users->ctx, USERS_SET, &query, add_user, &listing, &cursor,
                                     &err);
    if (r == 0)
        r = show_some(&listing);
    r = r < 0 ? http->fail_error(req, &err) : page_link(http, req, cursor);
    users->host->mem_free(cursor);
    return r != 0 ? r : list_reply(users->host, req, &list);
}

/* A site admin, or whoever has the password. */
static const char *admin_of(const struct users *users, const struct ein_req *req)
{
    const struct ein_identity *identity = users->host->http->identity(req);

    return identity && identity->flags & EIN_IDENTITY_ADMIN ? identity->uid : "admin";
}

int admin_put(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    const char *uid = http->path_param(req, "user_id");
    const json_t *body = http->body(req);
    EIN_ACCOUNT struct account account = { 0 };
    struct limits limits;
    struct ein_error err;
    int r = user_check_match(users, req, uid);

    if (r != 0)
        return r;
    r = limits_read(users, body, &limits, &err);
    if (r == 0)
        r = account_change(users, uid, limits_edit, &limits, &account, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    users_audit(users, req, admin_of(users, req), "user_limits_changed", uid,
                json_incref((json_t *)body));
    return user_reply(users, req, &account);
}
