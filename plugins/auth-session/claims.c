/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"

#include <string.h>

#define PERSONAL "personal:"

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* A provider speaks of its own users, and of nobody else's. */
static bool is_uid_of(const char *uid, const char *provider)
{
    size_t len = strlen(provider);

    return uid && strlen(uid) <= UID_MAX && !has_control(uid) && !strncmp(uid, provider, len) &&
           uid[len] == ':' && uid[len + 1] != '\0';
}

/* Nor does it let anybody into somebody's personal one. */
static bool is_workspace(const json_t *item)
{
    const char *id = text_of(item, "id");

    return id && *id && strlen(id) <= WORKSPACE_ID_MAX && !has_control(id) &&
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

static json_t *workspaces_of(const struct auth_session *self, const char *provider,
                             const json_t *said, const char *uid)
{
    EIN_JSON json_t *workspaces = json_array();
    const json_t *item;
    size_t i;

    if (json_array_append_new(workspaces, personal_of(uid)) < 0)
        return NULL;
    json_array_foreach(json_object_get(said, "workspaces"), i, item)
    {
        if (!is_workspace(item))
            continue;
        if (json_array_size(workspaces) > WORKSPACES_MAX) {
            self->host->log_msg(self->ctx, EIN_WARN,
                                "%s: more than %d workspaces of %s are left out", uid,
                                WORKSPACES_MAX, provider);
            break;
        }
        if (json_array_append_new(workspaces, workspace_of(item, provider)) < 0)
            return NULL;
    }
    return EIN_TAKE(workspaces);
}

int claims_make(const struct auth_session *self, const char *provider, const json_t *said,
                json_t **ret_claims, struct ein_error *err)
{
    const char *uid = text_of(said, "uid");
    EIN_JSON json_t *workspaces = NULL;
    json_t *claims;

    if (!is_uid_of(uid, provider))
        return error_set(err, EIN_E_INVALID, "%s named a user who is not its own", provider);
    workspaces = workspaces_of(self, provider, said, uid);
    claims = workspaces ? json_pack("{s:s, s:s*, s:s*, s:s, s:s, s:O, s:b}", "uid", uid, "email",
                                    text_of(said, "email"), "name", text_of(said, "name"),
                                    "provider", provider, "proof", "cookie", "workspaces",
                                    workspaces, "admin", claims_is_site_admin(self, said))
                        : NULL;
    if (!claims)
        return error_no_memory(err);
    *ret_claims = claims;
    return 0;
}

bool claims_is_site_admin(const struct auth_session *self, const json_t *said)
{
    const char *uid = text_of(said, "uid");
    const json_t *item;
    size_t i;

    if (json_is_true(json_object_get(said, "admin")))
        return true;
    json_array_foreach(self->site_admins, i, item)
    {
        if (!strcmp(json_string_value(item), uid))
            return true;
    }
    return false;
}

bool claims_may_log_in(const json_t *claims)
{
    return json_array_size(json_object_get(claims, "workspaces")) > 1 ||
           json_is_true(json_object_get(claims, "admin"));
}
