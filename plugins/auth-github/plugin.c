/* SPDX-License-Identifier: Apache-2.0 */
/* auth-github: login at GitHub, or at a GitHub Enterprise Server.
 *
 * Publishes auth_provider/1 under its name, for auth-session to log people in with.  The uid is
 * NAME:NUMBER, the number that the API shows as `id` of a user: names change hands.
 *
 * Workspaces are organisations of which somebody is an active member; their owners are admins.  In
 * mode `allowlist` only those of allowed_orgs count, so that whoever is in none of them is not let
 * in.  In mode `open_github` everybody who has an account is, into one workspace that all share,
 * and their organisations (of allowed_orgs, if there are any) come on top.
 *
 * So that GitHub can be asked again during a session, the token is kept in vault/1.
 *
 * Settings
 *   type, name                        set by the section auth (github)
 *   display_name                      what the button of a front end says (GitHub)
 *   client_id, client_secret          of the OAuth app (required)
 *   mode                              allowlist or open_github (allowlist)
 *   allowed_orgs, org_display_names   see above
 *   authorize_url, token_url, api_url   where GitHub is
 *   allow_http                        take addresses in the clear, beyond this machine (false)
 *   timeout_ms                        what one call to the provider may take (10000)
 *
 * Example
 *   auth:
 *     providers:
 *       - type: github
 *         config:
 *           client_id: Iv1.0123456789abcdef
 *           client_secret: ${GITHUB_CLIENT_SECRET}
 *           allowed_orgs: [example]
 */
#include "github.h"
#include "init.h"
#include "schemas.h"

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type" : "object",
    "required" : ["client_id", "client_secret"],
    "properties" : {
        "type" : {
            "type" : "string",
            "enum" : ["github"],
            "default" : "github",
            "description" : "Set by the section auth."
        },
        "name" : {
            "type" : "string",
            "pattern" : "^[a-z][a-z0-9_]{0,56}$",
            "default" : "github",
            "description" : "What it is published as, and what a uid begins with."
        },
        "display_name" : {
            "type" : "string",
            "minLength" : 1,
            "default" : "GitHub",
            "description" : "What the button of a front end says."
        },
        "client_id" : { "type" : "string", "minLength" : 1, "description" : "The OAuth app." },
        "client_secret" : { "type" : "string", "minLength" : 1, "description" : "What proves that this server is it." },
        "mode" : {
            "type" : "string",
            "enum" : ["allowlist", "open_github"],
            "default" : "allowlist",
            "description" : "Whether only members of allowed_orgs are let in, or whoever has an account."
        },
        "allowed_orgs" : { "type" : "array", "items" : { "type" : "string" }, "maxItems" : 1000, "default" : [], "description" : "Organisations that become workspaces." },
        "org_display_names" : { "type" : "object", "additionalProperties" : true, "default" : {}, "description" : "Names of workspaces by organisation." },
        "authorize_url" : { "type" : "string", "default" : "https://github.com/login/oauth/authorize", "description" : "Where people log in." },
        "token_url" : { "type" : "string", "default" : "https://github.com/login/oauth/access_token", "description" : "Where codes become tokens." },
        "api_url" : { "type" : "string", "default" : "https://api.github.com", "description" : "Where the API is." },
        "allow_http" : { "type" : "boolean", "default" : false, "description" : "Take addresses that are neither https nor on this machine." },
        "timeout_ms" : {
            "type" : "integer",
            "minimum" : 100,
            "maximum" : 60000,
            "default" : 10000,
            "description" : "What one call to the provider may take."
        }
    }
});
/* clang-format on */

const char *github_text(const struct github *github, const char *setting)
{
    return json_string_value(json_object_get(github->config, setting));
}

static int check_urls(const struct github *github, struct ein_error *err)
{
    static const char *const settings[] = { "authorize_url", "token_url", "api_url" };
    bool allow_http = json_is_true(json_object_get(github->config, "allow_http"));
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(settings) / sizeof(settings[0]); i++)
        r = oauth_check_url(github_text(github, settings[i]), settings[i], allow_http, err);
    return r;
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct github *github = calloc(1, sizeof(*github));
    int r;

    if (!github)
        return error_no_memory(err);
    github->config = config;
    github->open = strcmp(github_text(github, "mode"), "open_github") == 0;
    github->oauth = (struct oauth){
        .host = host,
        .ctx = ctx,
        .name = github_text(github, "name"),
        .title = github_text(github, "display_name"),
        .client_id = github_text(github, "client_id"),
        .client_secret = github_text(github, "client_secret"),
        .timeout_ms = (uint32_t)json_integer_value(json_object_get(config, "timeout_ms")),
    };
    r = check_urls(github, err);
    if (r == 0)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, github->oauth.name, &github_provider, github,
                          err);
    if (r == 0)
        r = host->publish(ctx, EIN_ERASURE, NULL, &oauth_erasure, &github->oauth, err);
    return init_done(r, github, free, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "auth-github",
    .version = "0.1.0",
    .summary = "Login at GitHub",
    .config_schema = config_schema,
    .init = init,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
