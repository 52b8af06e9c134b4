/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/users */
#include "cleanup.h"
#include "error.h"
#include "http_json.h"
#include "limits.h"
#include "show.h"

/* Each as it is now, with what was due. */
static int show_all(const struct users *users, struct ein_req *req, const json_t *ids,
                    struct buf *list, struct ein_error *err)
{
    const struct ein_host *host = users->host;
    const json_t *id;
    size_t i;

    json_array_foreach(ids, i, id)
    {
        EIN_ACCOUNT struct account account = { 0 };
        json_t *shown = NULL;
        if (host->cancel->fired(host->http->cancel(req)))
            return error_set(err, EIN_E_CANCELLED, "The client is gone");
        int r = account_get(users, json_string_value(id), NULL, &account, err);
        if (r == 0)
            r = user_show(users, &account, &shown, err);
        if (r < 0)
            return r;
        if (list_add(host, list, shown) < 0)
            return error_no_memory(err);
    }
    return 0;
}

int admin_list(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    EIN_JSON json_t *ids = json_array();
    EIN_BUF struct buf list = BUF_INIT;
    struct ein_query query = { .struct_size = sizeof(query), .fields = ids_only };
    struct ein_error err;
    char *cursor = NULL;

    if (!ids)
        return EIN_E_NO_MEMORY;
    page_read(http, req, &query);
    int r = users->host->store->find(users->ctx, USERS_SET, &query, append_id, ids, &cursor, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    r = page_link(http, req, cursor);
    users->host->mem_free(cursor);
    if (r < 0)
        return r;
    r = show_all(users, req, ids, &list, &err);
    return r < 0 ? http->fail_error(req, &err) : list_reply(users->host, req, &list);
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
