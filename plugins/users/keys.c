/* SPDX-License-Identifier: Apache-2.0 */
/* /users/me/api-keys */
#include "account.h"
#include "error.h"
#include "model_keys.h"
#include "show.h"

#include <string.h>

static const char *uid_of(const struct users *users, const struct ein_req *req)
{
    return users->host->http->identity(req)->uid;
}

static int unknown_provider(const struct users *users, struct ein_req *req, const char *name)
{
    return users->host->http->fail(req, 400, "Unknown provider: %s", name);
}

static int reply_user(const struct users *users, struct ein_req *req)
{
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;

    if (account_get(users, uid_of(users, req), NULL, &account, &err) < 0)
        return users->host->http->fail_error(req, &err);
    return user_reply(users, req, &account);
}

int keys_get(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;
    json_t *masks;

    if (account_get(users, uid_of(users, req), http->identity(req), &account, &err) < 0 ||
        model_key_masks(users, account.user, &masks, &err) < 0)
        return http->fail_error(req, &err);
    return http->reply(req, 200, masks);
}

/* Named before the key is there, and for ever: who asks for a key by name sees the truth. */
static int name_provider(const struct account *account, struct change *change, void *data,
                         struct ein_error *err)
{
    const struct provider *provider = data;
    const json_t *names = json_object_get(account->user, "keyProviders");

    if (list_has(names, provider->name))
        return 0;
    json_t *longer = json_copy((json_t *)names);
    if (json_array_append_new(longer, json_string(provider->name)) < 0) {
        json_decref(longer);
        return error_no_memory(err);
    }
    return json_object_set_new(change->members, "keyProviders", longer) < 0 ? error_no_memory(err)
                                                                            : 0;
}

/* What goes into a header is one line of visible ASCII. */
static bool is_key(const char *key)
{
    for (; *key; key++)
        if (*key <= ' ' || *key > '~')
            return false;
    return true;
}

int keys_put(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    const char *name = text_of(http->body(req), "provider"), *uid = uid_of(users, req);
    const char *key = text_of(http->body(req), "api_key");
    const struct provider *provider = provider_find(name);
    EIN_ACCOUNT struct account account = { 0 };
    struct ein_error err;

    if (!provider || !provider->member)
        return unknown_provider(users, req, name);
    if (!is_key(key))
        return http->fail(req, 400, "A key consists of printable ASCII characters without blanks.");
    int r = account_change(users, uid, name_provider, (void *)provider, &account, &err);
    if (r == 0)
        r = model_key_put(users, uid, provider, key, &err);
    if (r < 0)
        return http->fail_error(req, &err);
    users_audit(users, req, NULL, "model_key_set", uid,
                json_pack("{s:s}", "provider", provider->name));
    return user_reply(users, req, &account);
}

int keys_delete(struct ein_req *req, void *self)
{
    const struct users *users = self;
    const struct ein_http *http = users->host->http;
    const char *name = http->path_param(req, "provider"), *uid = uid_of(users, req);
    const struct provider *provider = provider_find(name);
    struct ein_error err;

    if (!provider || !provider->member)
        return unknown_provider(users, req, name);
    int r = model_key_del(users, uid, provider, &err);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return http->fail_error(req, &err);
    if (r == 0)
        users_audit(users, req, NULL, "model_key_deleted", uid,
                    json_pack("{s:s}", "provider", provider->name));
    return reply_user(users, req);
}

int keys_effective(struct ein_req *req, void *self)
{
    struct users *users = self;
    const struct ein_http *http = users->host->http;
    const char *name = http->path_param(req, "provider"), *source = NULL;
    struct ein_error err;
    char *key = NULL;

    if (!provider_find(name))
        return unknown_provider(users, req, name);
    int r = model_key_get(users, uid_of(users, req), name, &key, &source, &err);
    model_key_wipe(users, key);
    if (r < 0 && r != EIN_E_NOT_FOUND)
        return http->fail_error(req, &err);
    return http->reply(req, 200,
                       json_pack("{s:s, s:b, s:s?}", "provider", name, "has_key", r == 0, "source",
                                 r == 0 ? source : NULL));
}
