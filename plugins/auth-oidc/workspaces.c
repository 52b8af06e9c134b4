/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "oidc.h"

static const json_t *list(const struct oidc *oidc, const char *setting)
{
    return json_object_get(oidc->config, setting);
}

static bool names_any(const struct oidc *oidc, const char *setting)
{
    return json_array_size(list(oidc, setting)) > 0;
}

bool oidc_wants_groups(const struct oidc *oidc)
{
    return !oidc->open || names_any(oidc, "allowed_groups") || names_any(oidc, "admin_groups");
}

int oidc_add_group(json_t *groups, const char *id, const char *name, struct ein_error *err)
{
    if (json_array_size(groups) >= OIDC_GROUPS_MAX)
        return error_set(err, EIN_E_TOO_LARGE, "The account is in more than %d groups.",
                         OIDC_GROUPS_MAX);
    if (json_array_append_new(groups, json_pack("{s:s, s:s*}", "id", id, "name", name)) < 0)
        return error_no_memory(err);
    return 0;
}

/* In the open mode without a list, all are; else those that are on the list. */
static bool is_allowed(const struct oidc *oidc, const char *id)
{
    if (oauth_lists(list(oidc, "allowed_groups"), id) ||
        oauth_lists(list(oidc, "admin_groups"), id))
        return true;
    return oidc->open && !names_any(oidc, "allowed_groups");
}

static int add_group(const struct oidc *oidc, json_t *workspaces, const json_t *group,
                     struct ein_error *err)
{
    const char *id = json_string_value(json_object_get(group, "id"));
    const char *name = json_string_value(json_object_get(group, "name"));
    const char *given = json_string_value(json_object_get(list(oidc, "group_display_names"), id));

    if (!is_allowed(oidc, id))
        return 0;
    return oauth_add_workspace(&oidc->oauth, workspaces, "group", id,
                               given  ? given
                               : name ? name
                                      : id,
                               oauth_lists(list(oidc, "admin_groups"), id), err);
}

static int add_groups(const struct oidc *oidc, json_t *workspaces, const json_t *claims,
                      const char *access_token, struct ein_error *err)
{
    EIN_JSON json_t *groups = NULL;
    const json_t *group;
    size_t i;
    int r = access_token ? oidc->kind->groups(oidc, claims, access_token, &groups, err)
                         : oidc_claimed_groups(oidc, claims, NULL, &groups, err);

    if (r < 0)
        return r;
    json_array_foreach(groups, i, group)
    {
        r = add_group(oidc, workspaces, group, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int oidc_workspaces(const struct oidc *oidc, const json_t *claims, const char *access_token,
                    json_t **ret_workspaces, struct ein_error *err)
{
    EIN_JSON json_t *workspaces = json_array();
    int r = workspaces ? 0 : error_no_memory(err);

    if (r == 0 && oidc->open) {
        const char *id, *title;

        oidc->kind->room(oidc, &id, &title);
        r = oauth_add_workspace(&oidc->oauth, workspaces, oidc->kind->everybody, id, title, false,
                                err);
    }
    if (r == 0 && oidc_wants_groups(oidc))
        r = add_groups(oidc, workspaces, claims, access_token, err);
    if (r == 0)
        *ret_workspaces = EIN_TAKE(workspaces);
    return r;
}
