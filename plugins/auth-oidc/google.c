/* SPDX-License-Identifier: Apache-2.0 */
/* Google: the claim hd is the domain that manages an account, and the Admin SDK's directory knows
 * the groups that the account is in. */
#include "cleanup.h"
#include "error.h"
#include "oidc.h"

static const char issuer_url[] = "https://accounts.google.com";
static const char groups_url[] = "https://admin.googleapis.com/admin/directory/v1/groups";

static int issuer(const json_t *config, char **ret_issuer, struct ein_error *err)
{
    const char *mode = json_string_value(json_object_get(config, "mode"));
    const char *domain = json_string_value(json_object_get(config, "hosted_domain"));

    if (mode && strcmp(mode, "open_domain") == 0 && (!domain || !*domain))
        return error_set(err, EIN_E_INVALID,
                         "mode: open_domain needs hosted_domain, or anybody could log in.");
    *ret_issuer = strdup(issuer_url);
    return 0;
}

/* The end of an address proves nothing: hd does. */
static int check(const struct oidc *oidc, const json_t *claims, struct ein_error *err)
{
    const char *wanted = oidc_text(oidc, "hosted_domain");
    const char *domain = json_string_value(json_object_get(claims, "hd"));

    if (!*wanted || (domain && strcasecmp(domain, wanted) == 0))
        return 0;
    return error_set(err, EIN_E_DENIED, "Only accounts of %s may log in here.", wanted);
}

static void room(const struct oidc *oidc, const char **ret_id, const char **ret_title)
{
    *ret_id = *ret_title = oidc_text(oidc, "hosted_domain");
}

static int add_page(json_t *groups, const json_t *page, struct ein_error *err)
{
    const json_t *group;
    size_t i;
    int r = 0;

    json_array_foreach(json_object_get(page, "groups"), i, group)
    {
        const char *email = json_string_value(json_object_get(group, "email"));

        if (r == 0 && email)
            r = oidc_add_group(groups, email, json_string_value(json_object_get(group, "name")),
                               err);
    }
    return r;
}

static int get_page(const struct oidc *oidc, const char *user, const char *token,
                    const char *access_token, struct oauth_answer *ret_answer,
                    struct ein_error *err)
{
    const char *base = oidc_text(oidc, "groups_url");
    const struct oauth_param params[] = {
        { "userKey", user },
        { "maxResults", "200" },
        { "pageToken", token },
    };
    EIN_FREE char *url = OAUTH_QUERY(*base ? base : groups_url, params);

    if (!url)
        return error_no_memory(err);
    return oauth_get(&oidc->oauth, "list of groups", url, access_token, ret_answer, err);
}

static int groups(const struct oidc *oidc, const json_t *claims, const char *access_token,
                  json_t **ret_groups, struct ein_error *err)
{
    const char *user = json_string_value(json_object_get(claims, "sub"));
    EIN_JSON json_t *all = json_array();
    EIN_FREE char *token = NULL;
    int r = all ? 0 : error_no_memory(err);

    for (int page = 0; r == 0 && (page == 0 || token); page++) {
        EIN_ANSWER struct oauth_answer answer = { 0 };

        if (page == OAUTH_PAGES_MAX)
            return error_set(err, EIN_E_TOO_LARGE, "The list of groups of %s has too many pages.",
                             oidc->oauth.title);
        r = get_page(oidc, user, token, access_token, &answer, err);
        if (r == 0)
            r = add_page(all, answer.json, err);
        free(token);
        const char *next = json_string_value(json_object_get(answer.json, "nextPageToken"));
        token = next ? strdup(next) : NULL;
    }
    if (r == 0)
        *ret_groups = EIN_TAKE(all);
    return r;
}

const struct oidc_kind oidc_kind_google = {
    .type = "google",
    .title = "Google",
    .icon = "google",
    .open_mode = "open_domain",
    .everybody = "domain",
    .scope = "openid email profile",
    .group_scope = "https://www.googleapis.com/auth/admin.directory.group.readonly",
    .issuer = issuer,
    .check = check,
    .room = room,
    .groups = groups,
};
