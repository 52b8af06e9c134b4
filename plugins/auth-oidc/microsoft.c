/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft: one directory (tenant), whose id is a part of the issuer, and Graph's list of the
 * groups that an account is in, directly or through others. */
#include "cleanup.h"
#include "error.h"
#include "oidc.h"
#include "str.h"

#include <ctype.h>

enum { GUID_LEN = 36 };

static const char groups_url[] = "https://graph.microsoft.com/v1.0/me/transitiveMemberOf";

/* "common" and "organizations" are everybody's directory. */
static bool is_guid(const char *text)
{
    for (int i = 0; i < GUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[GUID_LEN] == '\0';
}

static int issuer(const json_t *config, char **ret_issuer, struct ein_error *err)
{
    const char *tenant = json_string_value(json_object_get(config, "tenant_id"));

    if (!tenant || !is_guid(tenant))
        return error_set(
            err, EIN_E_INVALID,
            "tenant_id is the GUID of one directory, as the overview of Entra shows it.");
    *ret_issuer = str_print("https://login.microsoftonline.com/%s/v2.0", tenant);
    return 0;
}

static int check(const struct oidc *oidc, const json_t *claims, struct ein_error *err)
{
    const char *wanted = oidc_text(oidc, "tenant_id");
    const char *tenant = json_string_value(json_object_get(claims, "tid"));

    if (!*wanted || (tenant && strcasecmp(tenant, wanted) == 0))
        return 0;
    return error_set(err, EIN_E_DENIED, "Only accounts of one directory may log in here.");
}

static void room(const struct oidc *oidc, const char **ret_id, const char **ret_title)
{
    *ret_id = oidc_text(oidc, "tenant_id");
    *ret_title = oidc->oauth.title;
}

/* Roles and administrative units are in the list as well. */
static bool is_group(const json_t *item)
{
    const char *type = json_string_value(json_object_get(item, "@odata.type"));

    return !type || strcmp(type, "#microsoft.graph.group") == 0;
}

static int add_page(json_t *groups, const json_t *page, struct ein_error *err)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach(json_object_get(page, "value"), i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));

        if (r == 0 && id && is_group(item))
            r = oidc_add_group(groups, id, json_string_value(json_object_get(item, "displayName")),
                               err);
    }
    return r;
}

/* The token goes to nobody but Graph, wherever a page says that the next one is. */
static bool is_same_place(const char *next, const char *base)
{
    const char *host = strstr(base, "//");
    size_t len = host ? (size_t)(host + 2 - base) + strcspn(host + 2, "/?#") : 0;

    return len > 0 && strncmp(next, base, len) == 0 && strchr("/?", next[len]);
}

static int next_page(const struct oidc *oidc, const json_t *page, const char *base, char **ret_url,
                     struct ein_error *err)
{
    const char *next = json_string_value(json_object_get(page, "@odata.nextLink"));

    *ret_url = NULL;
    if (!next)
        return 0;
    if (!is_same_place(next, base))
        return error_set(err, EIN_E_INVALID,
                         "The list of groups of %s continues on another server.",
                         oidc->oauth.title);
    *ret_url = strdup(next);
    return *ret_url ? 0 : error_no_memory(err);
}

static int groups(const struct oidc *oidc, const json_t *claims, const char *access_token,
                  json_t **ret_groups, struct ein_error *err)
{
    static const struct oauth_param params[] = { { "$select", "id,displayName" },
                                                 { "$top", "100" } };
    const char *given = oidc_text(oidc, "groups_url"), *base = *given ? given : groups_url;
    EIN_JSON json_t *all = json_array();
    EIN_FREE char *url = OAUTH_QUERY(base, params);
    int r = all && url ? 0 : error_no_memory(err);

    (void)claims;
    for (int page = 0; r == 0 && url; page++) {
        EIN_ANSWER struct oauth_answer answer = { 0 };

        if (page == OAUTH_PAGES_MAX)
            return error_set(err, EIN_E_TOO_LARGE, "The list of groups of %s has too many pages.",
                             oidc->oauth.title);
        r = oauth_get(&oidc->oauth, "list of groups", url, access_token, &answer, err);
        if (r == 0)
            r = add_page(all, answer.json, err);
        free(EIN_TAKE(url));
        if (r == 0)
            r = next_page(oidc, answer.json, base, &url, err);
    }
    if (r == 0)
        *ret_groups = EIN_TAKE(all);
    return r;
}

const struct oidc_kind oidc_kind_microsoft = {
    .type = "microsoft",
    .title = "Microsoft",
    .icon = "microsoft",
    .open_mode = "open_tenant",
    .everybody = "tenant",
    .scope = "openid email profile",
    .group_scope = "https://graph.microsoft.com/User.Read",
    .issuer = issuer,
    .check = check,
    .room = room,
    .groups = groups,
};
