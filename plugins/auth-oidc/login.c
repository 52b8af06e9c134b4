/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "oidc.h"
#include "str.h"

static bool offers(const json_t *metadata, const char *list, const char *what)
{
    return oauth_lists(json_object_get(metadata, list), what);
}

/* ---- going there ---- */

/* Vendors differ in how one asks for a refresh token. */
static bool wants_offline(const struct oidc *oidc)
{
    return oidc->ask_again && oauth_grants_kept(&oidc->oauth);
}

static bool is_google(const struct oidc *oidc)
{
    return oidc->kind == &oidc_kind_google;
}

/* What of the scopes is asked for; "" if it is not. */
static const char *group_scope(const struct oidc *oidc, const json_t *metadata)
{
    const char *scope = oidc->kind->group_scope;

    if (!oidc_wants_groups(oidc))
        return "";
    /* "groups" is a habit, not a standard: some providers fail on it. */
    return oidc->kind == &oidc_kind_any && !offers(metadata, "scopes_supported", scope) ? ""
                                                                                        : scope;
}

static const char *offline_scope(const struct oidc *oidc, const json_t *metadata)
{
    bool asked = wants_offline(oidc) && !is_google(oidc);

    return asked && offers(metadata, "scopes_supported", "offline_access") ? "offline_access" : "";
}

static char *scope_of(const struct oidc *oidc, const json_t *metadata)
{
    const char *given = oidc_text(oidc, "scope"), *groups = group_scope(oidc, metadata),
               *offline = offline_scope(oidc, metadata);

    return *given ? strdup(given)
                  : str_print("%s%s%s%s%s", oidc->kind->scope, *groups ? " " : "", groups,
                              *offline ? " " : "", offline);
}

static int login_url(void *impl, const struct ein_login *login, char **ret_url,
                     struct ein_error *err)
{
    struct oidc *oidc = impl;
    const char *domain = oidc_text(oidc, "hosted_domain");
    EIN_JSON json_t *metadata = NULL;
    int r = oidc_discover(oidc, &metadata, err);

    if (r < 0)
        return r;
    EIN_FREE char *challenge = oauth_challenge(login->code_verifier);
    EIN_FREE char *scope = scope_of(oidc, metadata), *url = NULL;
    const struct oauth_param params[] = {
        { "response_type", "code" },
        { "client_id", oidc->oauth.client_id },
        { "redirect_uri", login->redirect_uri },
        { "scope", scope },
        { "state", login->state },
        { "nonce", login->nonce },
        { "code_challenge", challenge },
        { "code_challenge_method", "S256" },
        /* OpenID Connect, 11: without it, what gives access for longer is not given. */
        { "prompt", wants_offline(oidc) ? "consent" : NULL },
        { "access_type", wants_offline(oidc) && is_google(oidc) ? "offline" : NULL },
        { "hd", is_google(oidc) && *domain ? domain : NULL },
    };
    if (challenge && scope)
        url = OAUTH_QUERY(text_of(metadata, "authorization_endpoint"), params);
    *ret_url = url ? oidc->oauth.host->text_dup(url) : NULL;
    return *ret_url ? 0 : error_no_memory(err);
}

/* ---- coming back ---- */

/* Discovery, 3: client_secret_basic where nothing is said. */
static enum oauth_client_auth client_auth(const struct oidc *oidc, const json_t *metadata)
{
    const char *const list = "token_endpoint_auth_methods_supported";

    if (!*oidc->oauth.client_secret)
        return OAUTH_POST; /* its id alone */
    return json_object_get(metadata, list) && !offers(metadata, list, "client_secret_basic")
               ? OAUTH_POST
               : OAUTH_BASIC;
}

static bool needs_userinfo(const struct oidc *oidc, const json_t *claims)
{
    bool reads_groups = oidc->kind == &oidc_kind_any && oidc_wants_groups(oidc);

    return !json_object_get(claims, "email") || !json_object_get(claims, "name") ||
           (reads_groups && !json_object_get(claims, oidc_text(oidc, "groups_claim")));
}

/* Adds what userinfo says and the id_token does not.  OpenID Connect, 5.3.2: its subject has to be
 * that of the id_token, or it may be somebody else's. */
static int add_userinfo(const struct oidc *oidc, const json_t *metadata, const char *access_token,
                        json_t *claims, struct ein_error *err)
{
    EIN_ANSWER struct oauth_answer answer = { 0 };
    const char *url = text_of(metadata, "userinfo_endpoint"), *sub;
    int r;

    if (!url || !needs_userinfo(oidc, claims))
        return 0;
    r = oauth_get(&oidc->oauth, "userinfo endpoint", url, access_token, &answer, err);
    if (r < 0)
        return r;
    sub = text_of(answer.json, "sub");
    if (!sub || strcmp(sub, text_of(claims, "sub")) != 0)
        return error_set(err, EIN_E_INVALID, "The userinfo endpoint of %s describes somebody else.",
                         oidc->oauth.title);
    return json_object_update_missing(claims, answer.json) < 0 ? error_no_memory(err) : 0;
}

/* An address that the provider says is not verified is nobody's; some say it as text. */
static const char *email_of(const json_t *claims)
{
    const json_t *verified = json_object_get(claims, "email_verified");
    const char *word = json_string_value(verified);

    return json_is_false(verified) || (word && strcmp(word, "true") != 0)
               ? NULL
               : text_of(claims, "email");
}

int oidc_describe_person(const struct oidc *oidc, const json_t *claims, const char *access_token,
                         json_t **ret_claims, struct ein_error *err)
{
    const char *name = text_of(claims, "name");
    json_t *workspaces = NULL;
    int r = oidc->kind->check ? oidc->kind->check(oidc, claims, err) : 0;

    if (r == 0)
        r = oidc_workspaces(oidc, claims, access_token, &workspaces, err);
    if (r < 0)
        return r;
    return oauth_claims(&oidc->oauth, text_of(claims, "sub"),
                        name ? name : text_of(claims, "preferred_username"), email_of(claims),
                        workspaces, ret_claims, err);
}

static void keep_grant(const struct oidc *oidc, const json_t *claims, const json_t *tokens)
{
    const char *grant = text_of(tokens, "refresh_token");

    if (grant && oidc->ask_again)
        oauth_grant_keep(&oidc->oauth, text_of(claims, "sub"), grant);
}

static int exchange(void *impl, const struct ein_login *login, json_t **ret_claims,
                    struct ein_error *err)
{
    struct oidc *oidc = impl;
    EIN_JSON json_t *tokens = NULL, *claims = NULL;
    EIN_JSON json_t *metadata = NULL;
    const char *id_token;
    int r = oidc_discover(oidc, &metadata, err);

    if (r == 0)
        r = oauth_check_callback(&oidc->oauth, login, oidc->issuer,
                                 json_is_true(json_object_get(
                                     metadata, "authorization_response_iss_parameter_supported")),
                                 err);
    if (r == 0)
        r = oauth_code(&oidc->oauth, text_of(metadata, "token_endpoint"),
                       client_auth(oidc, metadata), login, &tokens, err);
    if (r == EIN_E_UNAVAILABLE)
        oidc_doubt(oidc);
    if (r < 0)
        return r;
    id_token = text_of(tokens, "id_token");
    if (!id_token)
        return error_set(err, EIN_E_INVALID, "%s sent no id_token.", oidc->oauth.title);
    r = oidc_id_token(oidc, id_token, login->nonce ? login->nonce : "", &claims, err);
    if (r == 0)
        r = add_userinfo(oidc, metadata, text_of(tokens, "access_token"), claims, err);
    if (r == 0)
        r = oidc_describe_person(oidc, claims, text_of(tokens, "access_token"), ret_claims, err);
    if (r == 0)
        keep_grant(oidc, claims, tokens);
    return r;
}

/* ---- asking again ---- */

static int refresh_tokens(const struct oidc *oidc, const json_t *metadata, const char *grant,
                          json_t **ret_tokens, struct ein_error *err)
{
    const struct oauth_param params[] = {
        { "grant_type", "refresh_token" },
        { "refresh_token", grant },
    };

    return oauth_tokens(&oidc->oauth, text_of(metadata, "token_endpoint"),
                        client_auth(oidc, metadata), params, sizeof(params) / sizeof(params[0]),
                        ret_tokens, err);
}

/* A provider that gives a new refresh token each time takes none twice; if another server was
 * first, the one that it kept is good. */
static int refresh_once_more(const struct oidc *oidc, const json_t *metadata, const char *id,
                             const char *used, json_t **ret_tokens, struct ein_error *err)
{
    EIN_SECRET char *grant = NULL;

    if (oauth_grant_get(&oidc->oauth, id, &grant, NULL) < 0 || strcmp(grant, used) == 0)
        return EIN_E_DENIED;
    return refresh_tokens(oidc, metadata, grant, ret_tokens, err);
}

static int ask_for_tokens(const struct oidc *oidc, const json_t *metadata, const char *id,
                          json_t **ret_tokens, struct ein_error *err)
{
    EIN_SECRET char *grant = NULL;
    int r = oauth_grant_get(&oidc->oauth, id, &grant, err);

    if (r == 0)
        r = refresh_tokens(oidc, metadata, grant, ret_tokens, err);
    if (r == EIN_E_DENIED && grant)
        r = refresh_once_more(oidc, metadata, id, grant, ret_tokens, err);
    if (r == EIN_E_DENIED)
        (void)oauth_grant_drop(&oidc->oauth, id, NULL);
    return r;
}

/* The claims of today: those of a new id_token, if one came, and of userinfo. */
static int claims_of_today(struct oidc *oidc, const json_t *metadata, const json_t *tokens,
                           const char *id, json_t **ret_claims, struct ein_error *err)
{
    const char *id_token = text_of(tokens, "id_token");
    EIN_JSON json_t *claims = NULL;
    int r = 0;

    if (id_token)
        r = oidc_id_token(oidc, id_token, NULL, &claims, err);
    else if (!(claims = json_pack("{s:s}", "sub", id)))
        r = error_no_memory(err);
    if (r == 0 && strcmp(text_of(claims, "sub"), id) != 0)
        r = error_set(err, EIN_E_INVALID, "%s describes somebody else.", oidc->oauth.title);
    if (r == 0)
        r = add_userinfo(oidc, metadata, text_of(tokens, "access_token"), claims, err);
    if (r == 0)
        *ret_claims = EIN_TAKE(claims);
    return r;
}

static int refresh(void *impl, const json_t *claims, json_t **ret_claims, struct ein_error *err)
{
    struct oidc *oidc = impl;
    EIN_JSON json_t *tokens = NULL, *today = NULL;
    const char *id = oauth_id_of(&oidc->oauth, claims);
    EIN_JSON json_t *metadata = NULL;
    int r = id ? oidc_discover(oidc, &metadata, err)
               : error_set(err, EIN_E_INVALID, "This user is not from %s.", oidc->oauth.title);

    if (r == 0)
        r = ask_for_tokens(oidc, metadata, id, &tokens, err);
    if (r == EIN_E_UNAVAILABLE)
        oidc_doubt(oidc);
    if (r < 0)
        return r;
    if (text_of(tokens, "refresh_token"))
        oauth_grant_keep(&oidc->oauth, id, text_of(tokens, "refresh_token"));
    r = claims_of_today(oidc, metadata, tokens, id, &today, err);
    return r == 0
               ? oidc_describe_person(oidc, today, text_of(tokens, "access_token"), ret_claims, err)
               : r;
}

static int describe(void *impl, json_t **ret_about, struct ein_error *err)
{
    const struct oidc *oidc = impl;
    int r = oauth_about(oidc->oauth.title, oidc->kind->icon, ret_about, err);

    if (r == 0 && *oidc_text(oidc, "audience") &&
        json_object_set_new(*ret_about, "tokensOf", json_string(oidc->issuer)) < 0) {
        json_decref(*ret_about);
        return error_no_memory(err);
    }
    return r;
}

const struct ein_auth_provider oidc_provider = {
    .struct_size = sizeof(oidc_provider),
    .verify = oidc_verify_request,
    .login_url = login_url,
    .exchange = exchange,
    .describe = describe,
    .refresh = refresh,
};

/* ---- any provider ---- */

static int any_issuer(const json_t *config, char **ret_issuer, struct ein_error *err)
{
    const char *given = text_of(config, "issuer");

    if (!given || !*given)
        return error_set(err, EIN_E_INVALID, "issuer is missing: the provider's address.");
    *ret_issuer = strdup(given);
    return 0;
}

static void any_room(const struct oidc *oidc, const char **ret_id, const char **ret_title)
{
    *ret_id = "everybody";
    *ret_title = oidc->oauth.title;
}

/* A list, or one group as text. */
int oidc_claimed_groups(const struct oidc *oidc, const json_t *claims, const char *access_token,
                        json_t **ret_groups, struct ein_error *err)
{
    const json_t *claim = json_object_get(claims, oidc_text(oidc, "groups_claim")), *group;
    EIN_JSON json_t *groups = json_array();
    size_t i;
    int r = groups ? 0 : error_no_memory(err);

    (void)access_token;
    if (r == 0 && json_is_string(claim))
        r = oidc_add_group(groups, json_string_value(claim), NULL, err);
    json_array_foreach(claim, i, group)
    {
        if (r == 0 && json_is_string(group) && json_string_length(group) > 0)
            r = oidc_add_group(groups, json_string_value(group), NULL, err);
    }
    if (r == 0)
        *ret_groups = EIN_TAKE(groups);
    return r;
}

const struct oidc_kind oidc_kind_any = {
    .type = "oidc",
    .title = "OpenID Connect",
    .icon = "oidc",
    .open_mode = "open",
    .everybody = "all",
    .scope = "openid email profile",
    .group_scope = "groups",
    .issuer = any_issuer,
    .room = any_room,
    .groups = oidc_claimed_groups,
};
