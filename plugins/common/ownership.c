/* SPDX-License-Identifier: Apache-2.0 */
#include "ownership.h"

#include "cleanup.h"
#include "member.h"

#include <stdio.h>
#include <string.h>

static json_t *owner_of(const json_t *doc, const char *workspace)
{
    return workspace ? json_sprintf("workspace:%s", workspace)
                     : json_incref(json_object_get(doc, "userId"));
}

int ownership_set(json_t *doc, const char *workspace)
{
    if (json_object_set_new(doc, "owner", owner_of(doc, workspace)) < 0)
        return EIN_E_NO_MEMORY;
    if (!workspace) {
        (void)json_object_del(doc, "workspaceId"); /* it may not have been there */
        return 0;
    }
    return json_object_set_new(doc, "workspaceId", json_string(workspace)) < 0 ? EIN_E_NO_MEMORY
                                                                               : 0;
}

const char *ownership_workspace(const json_t *doc)
{
    return text_of(doc, "workspaceId");
}

bool ownership_moves(const json_t *doc, const json_t *body)
{
    const json_t *there = json_object_get(doc, "workspaceId");
    const json_t *wanted = json_object_get(body, "workspaceId");

    if (!there || !wanted)
        return wanted && !json_is_null(wanted);
    return !json_equal(there, wanted);
}

int ownership_check_new(const struct ein_http *http, struct ein_req *req, const json_t *doc)
{
    struct ein_error err;
    int r = http->may(req, doc, &err);

    if (r == EIN_E_NOT_FOUND)
        return http->fail(req, 403, "You are not a member of the workspace '%s'.",
                          ownership_workspace(doc));
    return r < 0 ? http->fail_error(req, &err) : 0;
}

/* A document that nobody made may be changed by the admins of its workspace, and by no other
 * member; one in no workspace by its maker. */
static int check_place(const struct ein_http *http, struct ein_req *req, const json_t *doc,
                       const char *workspace)
{
    EIN_JSON json_t *anything = workspace
                                    ? json_pack("{s:s}", "workspaceId", workspace)
                                    : json_pack("{s:O?}", "userId", json_object_get(doc, "userId"));
    int r = anything ? http->may(req, anything, NULL) : EIN_E_NO_MEMORY;

    if (r >= 0)
        return 0;
    if (r == EIN_E_NO_MEMORY)
        return r;
    if (!workspace)
        return http->fail(req, 403, "Only who made this can take it out of its workspace.");
    return http->fail(req, 403, "Only an admin of the workspace '%s' moves things in or out of it.",
                      workspace);
}

int ownership_check_move(const struct ein_http *http, struct ein_req *req, const json_t *doc,
                         const char *workspace)
{
    int r = check_place(http, req, doc, ownership_workspace(doc));

    return r ? r : check_place(http, req, doc, workspace);
}

/* ---- drawers ---- */

static const char *join(const struct ein_http *http, struct ein_req *req, const char *prefix,
                        const char *name)
{
    size_t size = strlen(prefix) + strlen(name) + 1;
    char *text = http->alloc(req, size);

    if (text)
        (void)snprintf(text, size, "%s%s", prefix, name);
    return text;
}

/* A user's id that reads like something else's is marked as one. */
const char *ownership_drawer(const struct ein_http *http, struct ein_req *req, const char *user,
                             const char *workspace)
{
    if (workspace)
        return join(http, req, "workspace:", workspace);
    bool is_plain = strncmp(user, "workspace:", 10) != 0 && strncmp(user, "user:", 5) != 0;
    return is_plain ? user : join(http, req, "user:", user);
}

int ownership_whose(const struct ein_http *http, struct ein_req *req, const char **ret_owner)
{
    const json_t *query = http->query(req);
    const char *workspace = text_of(query, "workspaceId");
    const char *user = text_of(query, "userId");
    const char *uid = http->identity(req)->uid;
    EIN_JSON json_t *thing = NULL;
    struct ein_error err;

    if (workspace && user)
        return http->fail(req, 422, "A thing belongs to a workspace or to a user: name one.");
    if (workspace)
        thing = json_pack("{s:s}", "workspaceId", workspace);
    else if (user)
        thing = json_pack("{s:s}", "userId", user);
    if ((workspace || user) && !thing)
        return EIN_E_NO_MEMORY;
    if (thing && http->may(req, thing, &err) < 0)
        return http->fail_error(req, &err);
    *ret_owner = ownership_drawer(http, req, user ? user : uid, workspace);
    return *ret_owner ? 0 : EIN_E_NO_MEMORY;
}
