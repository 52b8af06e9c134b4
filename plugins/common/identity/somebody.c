/* SPDX-License-Identifier: Apache-2.0 */
#include "somebody.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "ownership.h"
#include "str.h"

#include <string.h>

/* A provider speaks of its own users, and of nobody else's. */
static bool is_uid_of(const char *uid, const char *provider)
{
    size_t len = strlen(provider);

    return uid && strlen(uid) <= SOMEBODY_UID_MAX && !str_has_control(uid) &&
           !strncmp(uid, provider, len) && uid[len] == ':' && uid[len + 1] != '\0';
}

/* Nor does it let anybody into somebody's personal one. */
static bool is_workspace(const json_t *item)
{
    const char *id = text_of(item, "id");

    return id && *id && strlen(id) <= SOMEBODY_WORKSPACE_ID_MAX && !str_has_control(id) &&
           strncmp(id, PERSONAL, strlen(PERSONAL)) != 0;
}

static json_t *workspace_of(const json_t *item, const char *provider)
{
    const char *role = text_of(item, "role"), *name = text_of(item, "name"),
               *source = text_of(item, "source");

    return json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", text_of(item, "id"), "role",
                     role ? role : "member", "name", name ? name : text_of(item, "id"), "source",
                     source ? source : provider, "description", text_of(item, "description"));
}

static json_t *personal_of(const char *uid)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:n}", "id", json_sprintf(PERSONAL "%s", uid), "role",
                     "admin", "name", "Personal", "source", "auto_personal", "description");
}

/* *ret_left_out: there were too many. */
static json_t *workspaces_of(const char *provider, const json_t *said, bool *ret_left_out)
{
    EIN_JSON json_t *workspaces = json_array();
    const json_t *item;
    size_t i;

    if (json_array_append_new(workspaces, personal_of(text_of(said, "uid"))) < 0)
        return NULL;
    json_array_foreach(json_object_get(said, "workspaces"), i, item)
    {
        if (!is_workspace(item))
            continue;
        *ret_left_out = json_array_size(workspaces) > SOMEBODY_WORKSPACES_MAX;
        if (*ret_left_out)
            break;
        if (json_array_append_new(workspaces, workspace_of(item, provider)) < 0)
            return NULL;
    }
    return EIN_TAKE(workspaces);
}

int somebody_make(const struct ein_host *host, struct ein_ctx *ctx, const char *provider,
                  const json_t *said, const char *proof, json_t **ret_claims, struct ein_error *err)
{
    const char *uid = text_of(said, "uid");
    EIN_JSON json_t *workspaces = NULL;
    bool left_out = false;
    json_t *claims;

    if (!is_uid_of(uid, provider))
        return error_set(err, EIN_E_INVALID, "%s named a user who is not its own", provider);
    workspaces = workspaces_of(provider, said, &left_out);
    if (left_out)
        host->log_msg(ctx, EIN_WARN, "%s: more than %d workspaces of %s are left out", uid,
                      SOMEBODY_WORKSPACES_MAX, provider);
    claims = workspaces ? json_pack("{s:s, s:s*, s:s*, s:s, s:s, s:O}", "uid", uid, "email",
                                    text_of(said, "email"), "name", text_of(said, "name"),
                                    "provider", provider, "proof", proof, "workspaces", workspaces)
                        : NULL;
    if (!claims)
        return error_no_memory(err);
    *ret_claims = claims;
    return 0;
}

bool somebody_is_member(const json_t *claims)
{
    return json_array_size(json_object_get(claims, "workspaces")) > 1;
}
