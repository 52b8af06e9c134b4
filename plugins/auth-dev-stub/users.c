/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "cleanup.h"
#include "dev_stub.h"
#include "error.h"
#include "member.h"
#include "percent.h"
#include "str.h"

#include <string.h>

static json_t *workspaces_of(const struct dev_stub *stub, const json_t *user)
{
    json_t *workspaces = json_array(), *item;
    size_t i;

    json_array_foreach(json_object_get(user, "workspaces"), i, item)
    {
        const char *id = text_of(item, "id"), *name = text_of(item, "display_name");

        if (json_array_append_new(workspaces,
                                  json_pack("{s:s, s:O, s:s, s:s, s:O?}", "id", id, "role",
                                            json_object_get(item, "role"), "name", name ? name : id,
                                            "source", stub->name, "description",
                                            json_object_get(item, "description"))) < 0) {
            json_decref(workspaces);
            return NULL;
        }
    }
    return workspaces;
}

static int claims_of(const struct dev_stub *stub, const json_t *user, json_t **ret_claims,
                     struct ein_error *err)
{
    const char *uid = text_of(user, "uid"), *name = text_of(user, "display_name");
    EIN_JSON json_t *workspaces = workspaces_of(stub, user);
    json_t *claims =
        workspaces
            ? json_pack("{s:o, s:s, s:O?, s:s, s:O}", "uid", json_sprintf("%s:%s", stub->name, uid),
                        "name", name ? name : uid, "email", json_object_get(user, "email"),
                        "provider", stub->name, "workspaces", workspaces)
            : NULL;

    if (!claims)
        return error_no_memory(err);
    *ret_claims = claims;
    return 0;
}

char *dev_stub_uids(const struct dev_stub *stub)
{
    struct buf all;
    const json_t *user;
    size_t i;

    buf_init(&all, SIZE_MAX);
    json_array_foreach(stub->users, i, user)
    {
        (void)buf_printf(&all, "%s%s", i > 0 ? "," : "", text_of(user, "uid"));
    }
    return buf_take(&all, NULL);
}

static int login_url(void *impl, const struct ein_login *login, char **ret_url,
                     struct ein_error *err)
{
    const struct dev_stub *stub = impl;
    EIN_FREE char *state = percent_encode(login->state, "");
    EIN_FREE char *back = percent_encode(login->redirect_uri, "");
    EIN_FREE char *uids = dev_stub_uids(stub);
    EIN_FREE char *users = uids ? percent_encode(uids, ",") : NULL;
    EIN_FREE char *url = state && back && users
                             ? str_print("/auth/dev-stub-picker?state=%s&redirect_uri=%s&users=%s",
                                         state, back, users)
                             : NULL;

    *ret_url = url ? stub->host->text_dup(url) : NULL;
    return *ret_url ? 0 : error_no_memory(err);
}

/* The code is the uid: whoever is here may be anybody. */
static int exchange(void *impl, const struct ein_login *login, json_t **ret_claims,
                    struct ein_error *err)
{
    const struct dev_stub *stub = impl;
    const json_t *user = list_find(stub->users, "uid", login->code);

    if (!user)
        return error_set(err, EIN_E_NOT_FOUND, "there is no user '%.100s'", login->code);
    return claims_of(stub, user, ret_claims, err);
}

static int describe(void *impl, json_t **ret_about, struct ein_error *err)
{
    const struct dev_stub *stub = impl;

    *ret_about = json_pack("{s:O, s:s}", "displayName",
                           json_object_get(stub->config, "display_name"), "icon", "dev");
    return *ret_about ? 0 : error_no_memory(err);
}

static int refresh(void *impl, const json_t *claims, json_t **ret_claims, struct ein_error *err)
{
    const struct dev_stub *stub = impl;
    const char *uid = text_of(claims, "uid");
    size_t len = strlen(stub->name);
    const json_t *user = NULL;

    if (uid && !strncmp(uid, stub->name, len) && uid[len] == ':')
        user = list_find(stub->users, "uid", uid + len + 1);
    if (!user)
        return error_set(err, EIN_E_DENIED, "this user is not configured any more");
    return claims_of(stub, user, ret_claims, err);
}

const struct ein_auth_provider dev_stub_provider = {
    .struct_size = sizeof(dev_stub_provider),
    .login_url = login_url,
    .exchange = exchange,
    .describe = describe,
    .refresh = refresh,
};
