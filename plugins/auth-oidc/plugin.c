/* SPDX-License-Identifier: Apache-2.0 */
/* auth-oidc: login at any OpenID Connect provider, at Google, and at Microsoft.
 *
 * Publishes auth_provider/1 under its name, for auth-session to log people in with: authorization
 * code with PKCE (S256), state and nonce; the provider found by discovery, `iss` of the callback
 * (RFC 9207) and the id_token checked.  The uid is NAME:SUBJECT.
 *
 * Workspaces are the provider's groups.  In mode `allowlist` those of allowed_groups, so that
 * whoever is in none of them is not let in; in the open mode (`open`, for Google `open_domain`, for
 * Microsoft `open_tenant`) everybody of the provider is, into one workspace that all share, and
 * their groups (of allowed_groups, if there are any) come on top.  Members of admin_groups are
 * admins of these groups' workspaces.
 *
 *   oidc       the claim groups_claim, of the id_token or of userinfo
 *   google     the Admin SDK's directory of groups; hosted_domain is compared with the claim hd
 *   microsoft  Graph's transitiveMemberOf; groups are named by their object id
 *
 * With `audience` it also takes `Authorization: Bearer` and an access token that is a JWT of the
 * issuer (RFC 9068, or what Keycloak, Okta, Auth0, Cognito and Entra make; Google's are none) and
 * names this audience: for clients of /mcp the `resource` of the metadata there, which is the
 * server's URL and /mcp.  Who brings one is who logs in with the same subject (an issuer may tell
 * each client another one), and is let in or not by the same rules; but groups are those of the
 * token's claim groups_claim, whatever the type.  It may do what its scopes say (scope, scp) of
 * models, agents, deployments and use:NAME, never what a site admin may; if it names none of these,
 * what token_scopes says.  id_tokens are refused, and tokens that are bound to a key or that a
 * client got for itself.
 *
 * So that workspaces can be asked for again during a session, the refresh token is kept in vault/1,
 * until its user is erased (erasure/1).
 *
 * Settings
 *   type             oidc, google or microsoft; set by the section auth (oidc)
 *   name             what it is published as (the type)
 *   display_name     what the button of a front end says
 *   client_id, client_secret   this server at the provider; a public client has no secret
 *   issuer           exactly as its discovery document has it (oidc: required)
 *   tenant_id        microsoft: the directory's GUID (required)
 *   hosted_domain    google: only accounts of this domain
 *   mode             allowlist, or the open mode (allowlist)
 *   allowed_groups, admin_groups, group_display_names   see above
 *   groups_claim     oidc: the claim that lists groups (groups)
 *   groups_url       google, microsoft: where groups are (the vendor's)
 *   scope            what to ask for, instead of what this plugin thinks it needs
 *   ask_again        ask for a refresh token (true)
 *   allow_http       take addresses that are not https, beyond this machine (false)
 *   timeout_ms       what one call to the provider may take (10000)
 *   discovery_s      how old the discovery document may be before it is read again (3600); while it
 *                    cannot be, the old one is good
 *   discovery_retry_s   between two tries, also where what it names fails (5)
 *   audience         takes access tokens for this one (none)
 *   token_scopes     what one may do that names none of this server's scopes ([deployments:run])
 *   cached_tokens    verified tokens that are known at once; 0: each is verified each time (10000)
 *
 * Example
 *   auth:
 *     providers:
 *       - type: oidc
 *         config:
 *           issuer: https://id.example.org
 *           client_id: einion
 *           client_secret: ${OIDC_CLIENT_SECRET}
 *           allowed_groups: [engineering]
 *           audience: https://agents.example.org/mcp
 */
#include "init.h"
#include "oidc.h"
#include "schemas.h"

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type" : "object",
    "required" : ["client_id"],
    "properties" : {
        "type" : {
            "type" : "string",
            "enum" : ["oidc", "google", "microsoft"],
            "default" : "oidc",
            "description" : "Set by the section auth."
        },
        "name" : {
            "type" : "string",
            "pattern" : "^([a-z][a-z0-9_]{0,56})?$",
            "default" : "",
            "description" : "What it is published as, and what a uid begins with. Empty: the type."
        },
        "display_name" : {
            "type" : "string",
            "default" : "",
            "description" : "What the button of a front end says. Empty: the name of the vendor."
        },
        "client_id" : { "type" : "string", "minLength" : 1, "description" : "This server at the provider." },
        "client_secret" : { "type" : "string", "default" : "", "description" : "What proves that it is. Empty: it is a public client." },
        "issuer" : { "type" : "string", "default" : "", "description" : "The provider, exactly as its discovery document has it. Empty: the vendor's." },
        "tenant_id" : { "type" : "string", "default" : "", "description" : "For Microsoft: the GUID of the directory." },
        "hosted_domain" : { "type" : "string", "default" : "", "description" : "For Google: only accounts of this domain. Empty: any." },
        "mode" : {
            "type" : "string",
            "enum" : ["allowlist", "open", "open_domain", "open_tenant"],
            "default" : "allowlist",
            "description" : "Whether only members of allowed_groups are let in, or everybody of the provider."
        },
        "allowed_groups" : { "type" : "array", "items" : { "type" : "string" }, "maxItems" : 1000, "default" : [], "description" : "Groups that become workspaces." },
        "admin_groups" : { "type" : "array", "items" : { "type" : "string" }, "maxItems" : 1000, "default" : [], "description" : "Those of them whose members are admins of their workspace." },
        "group_display_names" : { "type" : "object", "additionalProperties" : true, "default" : {}, "description" : "Names of workspaces by group." },
        "groups_claim" : { "type" : "string", "minLength" : 1, "default" : "groups", "description" : "The claim that lists somebody's groups." },
        "scope" : { "type" : "string", "default" : "", "description" : "What to ask the provider for. Empty: what is needed." },
        "ask_again" : { "type" : "boolean", "default" : true, "description" : "Ask for a refresh token, so that workspaces are kept up to date during a session." },
        "allow_http" : { "type" : "boolean", "default" : false, "description" : "Take addresses of the provider that are neither https nor on this machine." },
        "timeout_ms" : {
            "type" : "integer",
            "minimum" : 100,
            "maximum" : 60000,
            "default" : 10000,
            "description" : "What one call to the provider may take."
        },
        "discovery_s" : {
            "type" : "integer",
            "minimum" : 1,
            "maximum" : 2592000,
            "default" : 3600,
            "description" : "How old the discovery document may be before it is read again. Until that works the old one is good."
        },
        "discovery_retry_s" : {
            "type" : "integer",
            "minimum" : 1,
            "maximum" : 86400,
            "default" : 5,
            "description" : "The shortest time between two tries to read the discovery document, also where what it names fails."
        },
        "groups_url" : { "type" : "string", "default" : "", "description" : "Where groups of Google or Microsoft are. Empty: the vendor's." },
        "audience" : { "type" : "string", "maxLength" : 1000, "default" : "", "description" : "Takes access tokens that are JWTs of the issuer for this audience, such as this server's URL and /mcp. Empty: none." },
        "token_scopes" : {
            "type" : "array",
            "items" : { "type" : "string", "pattern" : "^((models|agents|deployments)(:(read|write|run))?|use:[a-z0-9][a-z0-9_.-]{0,63})$" },
            "maxItems" : 100,
            "default" : ["deployments:run"],
            "description" : "What such a token may do that names no scope of this server."
        },
        "cached_tokens" : {
            "type" : "integer",
            "minimum" : 0,
            "maximum" : 1000000,
            "default" : 10000,
            "description" :
                "Verified tokens that are known until they, or their keys, expire. 0: none is."
        }
    }
});
/* clang-format on */

static void fini(void *self)
{
    oidc_tear_down(self);
    free(self);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct oidc *oidc = calloc(1, sizeof(*oidc));
    int r;

    if (!oidc)
        return error_no_memory(err);
    (void)pthread_mutex_init(&oidc->lock, NULL);
    oidc->oauth.host = host;
    oidc->oauth.ctx = ctx;
    r = oidc_set_up(oidc, config, err);
    if (r == 0)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, oidc->oauth.name, &oidc_provider, oidc, err);
    if (r == 0)
        r = host->publish(ctx, EIN_ERASURE, NULL, &oauth_erasure, &oidc->oauth, err);
    return init_done(r, oidc, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "auth-oidc",
    .version = "0.1.0",
    .summary = "Login at an OpenID Connect provider, Google or Microsoft",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
