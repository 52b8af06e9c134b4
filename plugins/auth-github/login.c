/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "github.h"

static int login_url(void *impl, const struct ein_login *login, char **ret_url,
                     struct ein_error *err)
{
    const struct github *github = impl;
    EIN_FREE char *challenge = oauth_challenge(login->code_verifier), *url = NULL;
    const struct oauth_param params[] = {
        { "client_id", github->oauth.client_id },
        { "redirect_uri", login->redirect_uri },
        { "scope", "read:user user:email read:org" },
        { "state", login->state },
        { "code_challenge", challenge },
        { "code_challenge_method", "S256" },
    };

    if (challenge)
        url = OAUTH_QUERY(github_text(github, "authorize_url"), params);
    *ret_url = url ? github->oauth.host->text_dup(url) : NULL;
    return *ret_url ? 0 : error_no_memory(err);
}

static int exchange(void *impl, const struct ein_login *login, json_t **ret_claims,
                    struct ein_error *err)
{
    const struct github *github = impl;
    EIN_JSON json_t *tokens = NULL;
    const char *token;
    int r = oauth_check_callback(&github->oauth, login, NULL, false, err);

    if (r == 0)
        r = oauth_code(&github->oauth, github_text(github, "token_url"), OAUTH_POST, login, &tokens,
                       err);
    if (r < 0)
        return r;
    token = json_string_value(json_object_get(tokens, "access_token"));
    r = github_person(github, token, ret_claims, err);
    if (r == 0)
        oauth_grant_keep(&github->oauth, oauth_id_of(&github->oauth, *ret_claims), token);
    return r;
}

/* The token of an OAuth app is good until its owner takes it back. */
static int refresh(void *impl, const json_t *claims, json_t **ret_claims, struct ein_error *err)
{
    const struct github *github = impl;
    const char *id = oauth_id_of(&github->oauth, claims);
    EIN_JSON json_t *today = NULL;
    EIN_SECRET char *token = NULL;
    int r = id ? oauth_grant_get(&github->oauth, id, &token, err)
               : error_set(err, EIN_E_INVALID, "This user is not from %s.", github->oauth.title);

    if (r == 0)
        r = github_person(github, token, &today, err);
    if (r == EIN_E_NOT_FOUND) {
        (void)oauth_grant_drop(&github->oauth, id, NULL);
        return error_set(err, EIN_E_DENIED, "%s no longer vouches for this person.",
                         github->oauth.title);
    }
    if (r == 0 && strcmp(oauth_id_of(&github->oauth, today), id) != 0)
        r = error_set(err, EIN_E_INVALID, "%s describes somebody else.", github->oauth.title);
    if (r == 0)
        *ret_claims = EIN_TAKE(today);
    return r;
}

static int describe(void *impl, json_t **ret_about, struct ein_error *err)
{
    const struct github *github = impl;

    return oauth_about(github->oauth.title, "github", ret_about, err);
}

const struct ein_auth_provider github_provider = {
    .struct_size = sizeof(github_provider),
    .login_url = login_url,
    .exchange = exchange,
    .describe = describe,
    .refresh = refresh,
};
