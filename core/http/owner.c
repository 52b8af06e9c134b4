/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "request.h"
#include "str.h"
#include <string.h>

/* One big room, or the caller minds it all. */
static bool sees_all(const struct ein_req *req)
{
    return req->settings->shared || (req->identity && req->identity->flags & EIN_IDENTITY_ADMIN);
}

/* The caller's role in WORKSPACE; NULL: none. */
static const char *role_in(const struct ein_identity *identity, const char *workspace)
{
    const json_t *item;
    size_t i;

    json_array_foreach(identity->workspaces, i, item) if (str_eq(text_of(item, "id"), workspace))
    {
        const char *role = text_of(item, "role");
        return role ? role : "";
    }
    return NULL;
}

static bool ends_in(const char *scope, const char *verb)
{
    const char *colon = strrchr(scope, ':');

    return colon && strcmp(colon + 1, verb) == 0;
}

static bool wants_change(const struct ein_req *req)
{
    const char *scope = req->route->spec.scope;

    return scope && !ends_in(scope, "read") && !ends_in(scope, "run");
}

int owner_may(const struct ein_req *req, const struct json_t *doc, struct ein_error *err)
{
    const char *maker = text_of(doc, "userId"), *workspace = text_of(doc, "workspaceId"), *role;
    bool made_it;

    if (sees_all(req))
        return 0;
    if (!req->identity)
        return error_set(err, EIN_E_NOT_FOUND, "Not Found");
    made_it = str_eq(maker, req->identity->uid);
    if (!workspace)
        return made_it ? 0 : error_set(err, EIN_E_NOT_FOUND, "Not Found");
    role = role_in(req->identity, workspace);
    if (!role)
        return error_set(err, EIN_E_NOT_FOUND, "Not Found");
    if (made_it || str_eq(role, "admin") || !wants_change(req))
        return 0;
    return error_set(err, EIN_E_DENIED,
                     "Only who made this and the admins of its workspace may change it.");
}

/* What is the caller's alone.  Asked without `owner`: what was made before documents had one is
 * found, and a uid that reads like the owner of a workspace is not taken for it. */
static json_t *own_only(const char *uid)
{
    return json_pack("{s:s, s:n}", "userId", uid, "workspaceId");
}

json_t *owner_visible(const struct ein_req *req)
{
    const struct ein_identity *identity = req->identity;
    EIN_JSON json_t *owners = NULL;
    const json_t *item;
    size_t i;

    if (sees_all(req))
        return json_object();
    if (!identity)
        return json_pack("{s:{s:[]}}", "owner", "$in");
    if (json_array_size(identity->workspaces) == 0 || str_starts(identity->uid, OWNER_WORKSPACE))
        return own_only(identity->uid);
    owners = json_array();
    if (json_array_append_new(owners, json_string(identity->uid)) < 0)
        return NULL;
    json_array_foreach(identity->workspaces, i, item)
    {
        const char *id = text_of(item, "id");

        if (id && json_array_append_new(owners, json_sprintf(OWNER_WORKSPACE "%s", id)) < 0)
            return NULL;
    }
    return json_pack("{s:{s:O}}", "owner", "$in", owners);
}
