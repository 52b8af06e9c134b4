/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "github.h"
#include "member.h"
#include "str.h"

#include <stdio.h>

enum { NUMBER_SIZE = 24 };

static int get(const struct github *github, const char *what, const char *path, const char *token,
               struct oauth_answer *ret_answer, struct ein_error *err)
{
    EIN_FREE char *url = str_print("%s%s", github_text(github, "api_url"), path);

    return url ? oauth_get(&github->oauth, what, url, token, ret_answer, err)
               : error_no_memory(err);
}

/* The number of a user or an organisation; false: there is none. */
static bool number_of(const json_t *object, char ret_number[NUMBER_SIZE])
{
    const json_t *id = json_object_get(object, "id");

    if (!json_is_integer(id) || json_integer_value(id) <= 0)
        return false;
    (void)snprintf(ret_number, NUMBER_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    return true;
}

/* ---- organisations ---- */

/* In the open mode without a list, all count; else those that are on the list. */
static bool counts(const struct github *github, const char *org)
{
    const json_t *allowed = json_object_get(github->config, "allowed_orgs");

    return oauth_lists(allowed, org) || (github->open && json_array_size(allowed) == 0);
}

static int add_membership(const struct github *github, json_t *workspaces, const json_t *membership,
                          struct ein_error *err)
{
    const json_t *org = json_object_get(membership, "organization");
    const char *state = text_of(membership, "state"), *role = text_of(membership, "role"),
               *login = text_of(org, "login");
    char number[NUMBER_SIZE];

    /* Whoever is invited only is "pending". */
    if (!login || !state || strcmp(state, "active") != 0 || !number_of(org, number) ||
        !counts(github, login))
        return 0;
    const char *given = text_of(json_object_get(github->config, "org_display_names"), login);
    return oauth_add_workspace(&github->oauth, workspaces, "org", number, given ? given : login,
                               role && strcmp(role, "admin") == 0, err);
}

static int add_page(const struct github *github, json_t *workspaces, const json_t *page,
                    struct ein_error *err)
{
    const json_t *membership;
    size_t i;
    int r = 0;

    json_array_foreach(page, i, membership)
    {
        if (r == 0)
            r = add_membership(github, workspaces, membership, err);
    }
    return r;
}

/* The token goes to nobody but the API, wherever a page says that the next one is. */
static int next_page(const struct github *github, const struct oauth_answer *answer,
                     char **ret_path, struct ein_error *err)
{
    const char *base = github_text(github, "api_url");
    size_t len = strlen(base);

    *ret_path = NULL;
    if (!answer->next)
        return 0;
    if (strncmp(answer->next, base, len) != 0 || answer->next[len] != '/')
        return error_set(err, EIN_E_INVALID,
                         "The list of organisations of %s continues on another server.",
                         github->oauth.title);
    *ret_path = strdup(answer->next + len);
    return *ret_path ? 0 : error_no_memory(err);
}

static int add_organisations(const struct github *github, const char *token, json_t *workspaces,
                             struct ein_error *err)
{
    EIN_FREE char *path = strdup("/user/memberships/orgs?state=active&per_page=100");
    int r = path ? 0 : error_no_memory(err);

    for (int page = 0; r == 0 && path; page++) {
        EIN_ANSWER struct oauth_answer answer = { 0 };

        if (page == OAUTH_PAGES_MAX)
            return error_set(err, EIN_E_TOO_LARGE,
                             "The list of organisations of %s has too many pages.",
                             github->oauth.title);
        r = get(github, "list of organisations", path, token, &answer, err);
        if (r == 0)
            r = add_page(github, workspaces, answer.json, err);
        free(EIN_TAKE(path));
        if (r == 0)
            r = next_page(github, &answer, &path, err);
    }
    return r;
}

static int workspaces_of(const struct github *github, const char *token, json_t **ret_workspaces,
                         struct ein_error *err)
{
    EIN_JSON json_t *workspaces = json_array();
    int r = workspaces ? 0 : error_no_memory(err);

    if (r == 0 && github->open)
        r = oauth_add_workspace(&github->oauth, workspaces, "all", "everybody", github->oauth.title,
                                false, err);
    if (r == 0)
        r = add_organisations(github, token, workspaces, err);
    if (r == 0)
        *ret_workspaces = EIN_TAKE(workspaces);
    return r;
}

/* ---- the person ---- */

/* The address that is primary and verified; NULL: there is none, or it is not to be seen. */
static char *email_of(const struct github *github, const char *token)
{
    EIN_ANSWER struct oauth_answer answer = { 0 };
    const json_t *item;
    size_t i;

    if (get(github, "list of addresses", "/user/emails", token, &answer, NULL) < 0)
        return NULL;
    json_array_foreach(answer.json, i, item)
    {
        const char *email = text_of(item, "email");

        if (email && json_is_true(json_object_get(item, "primary")) &&
            json_is_true(json_object_get(item, "verified")))
            return strdup(email);
    }
    return NULL;
}

int github_person(const struct github *github, const char *token, json_t **ret_claims,
                  struct ein_error *err)
{
    EIN_ANSWER struct oauth_answer user = { 0 };
    EIN_FREE char *email = NULL;
    json_t *workspaces = NULL;
    char number[NUMBER_SIZE];
    int r = get(github, "account", "/user", token, &user, err);

    if (r < 0)
        return r;
    if (!number_of(user.json, number))
        return error_set(err, EIN_E_INVALID, "%s does not say who this is.", github->oauth.title);
    r = workspaces_of(github, token, &workspaces, err);
    if (r < 0)
        return r;
    const char *name = text_of(user.json, "name");
    email = email_of(github, token);
    return oauth_claims(&github->oauth, number, name ? name : text_of(user.json, "login"), email,
                        workspaces, ret_claims, err);
}
