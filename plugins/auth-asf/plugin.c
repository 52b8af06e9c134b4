/* SPDX-License-Identifier: Apache-2.0 */
/* auth-asf: login at the Apache Software Foundation.
 *
 * Publishes auth_provider/1 under its name, for auth-session to log people in with.  Its OAuth
 * knows no client: the code is turned into {uid, fullname, email} with a GET.  The uid is NAME:UID.
 *
 * Workspaces are the projects of which somebody is a committer, as LDAP has them; members of a
 * project's PMC are its admins.  Whoever is in the banned group is not let in, site admin or not.
 * During a session LDAP is asked again.
 *
 * Settings
 *   type, name              set by the section auth (asf)
 *   display_name            what the button of a front end says (Apache Software Foundation)
 *   oauth_init_url          where people log in (https://oauth.apache.org/auth)
 *   oauth_callback_url      where codes become accounts (https://oauth.apache.org/token)
 *   project_display_names   names of workspaces by project
 *   allow_http              take addresses in the clear, beyond this machine (false)
 *   timeout_ms              what one call to the provider may take (10000)
 *   ldap                    server (ldaps://ldap-eu.apache.org), ca_file (the system's),
 *                           bind_dn and bind_password (nobody), timeout_seconds (10),
 *                           people_base, committer_base, pmc_base and banned_group (the ASF's)
 *
 * Example
 *   auth:
 *     providers:
 *       - type: asf
 *         config:
 *           ldap:
 *             bind_dn: uid=einion,ou=services,dc=apache,dc=org
 *             bind_password: ${ASF_LDAP_PASSWORD}
 *           project_display_names: {tomcat: Apache Tomcat}
 */
#include "asf.h"
#include "init.h"
#include "schemas.h"

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type" : "object",
    "properties" : {
        "type" : {
            "type" : "string",
            "enum" : ["asf"],
            "default" : "asf",
            "description" : "Set by the section auth."
        },
        "name" : {
            "type" : "string",
            "pattern" : "^[a-z][a-z0-9_]{0,56}$",
            "default" : "asf",
            "description" : "What it is published as, and what a uid begins with."
        },
        "display_name" : {
            "type" : "string",
            "minLength" : 1,
            "default" : "Apache Software Foundation",
            "description" : "What the button of a front end says."
        },
        "oauth_init_url" : { "type" : "string", "default" : "https://oauth.apache.org/auth", "description" : "Where people log in." },
        "oauth_callback_url" : { "type" : "string", "default" : "https://oauth.apache.org/token", "description" : "Where codes become accounts." },
        "project_display_names" : { "type" : "object", "additionalProperties" : true, "default" : {}, "description" : "Names of workspaces by project." },
        "allow_http" : { "type" : "boolean", "default" : false, "description" : "Take addresses that are neither https nor ldaps nor on this machine." },
        "timeout_ms" : {
            "type" : "integer",
            "minimum" : 100,
            "maximum" : 60000,
            "default" : 10000,
            "description" : "What one call to the provider may take."
        },
        "ldap" : {
            "type" : "object",
            "default" : {},
            "description" : "The directory: server (ldaps://ldap-eu.apache.org), ca_file (the authorities of the system), bind_dn and bind_password (none), timeout_seconds (10), people_base, committer_base, pmc_base and banned_group (those of the ASF).",
            "properties" : {
                "server" : { "type" : "string", "pattern" : "^ldaps?://" },
                "ca_file" : { "type" : "string" },
                "bind_dn" : { "type" : "string" },
                "bind_password" : { "type" : "string" },
                "timeout_seconds" : { "type" : "integer", "minimum" : 1, "maximum" : 60 },
                "people_base" : { "type" : "string", "minLength" : 1 },
                "committer_base" : { "type" : "string", "minLength" : 1 },
                "pmc_base" : { "type" : "string", "minLength" : 1 },
                "banned_group" : { "type" : "string", "minLength" : 1 }
            }
        }
    }
});
/* clang-format on */

static const struct {
    const char *member, *value;
} ldap_defaults[] = {
    { "server", "ldaps://ldap-eu.apache.org" },
    { "ca_file", "" },
    { "bind_dn", "" },
    { "bind_password", "" },
    { "people_base", "ou=people,dc=apache,dc=org" },
    { "committer_base", "ou=project,ou=groups,dc=apache,dc=org" },
    { "pmc_base", "ou=pmc,ou=project,ou=groups,dc=apache,dc=org" },
    { "banned_group", "cn=asf-banned,ou=groups,dc=apache,dc=org" },
};

const char *asf_text(const struct asf *asf, const char *setting)
{
    return json_string_value(json_object_get(asf->config, setting));
}

const char *asf_ldap_text(const struct asf *asf, const char *member)
{
    const json_t *ldap = json_object_get(asf->config, "ldap");
    const char *value = json_string_value(json_object_get(ldap, member));

    for (size_t i = 0; !value && i < sizeof(ldap_defaults) / sizeof(ldap_defaults[0]); i++)
        if (strcmp(ldap_defaults[i].member, member) == 0)
            value = ldap_defaults[i].value;
    return value;
}

int asf_ldap_timeout_s(const struct asf *asf)
{
    const json_t *ldap = json_object_get(asf->config, "ldap");
    json_int_t seconds = json_integer_value(json_object_get(ldap, "timeout_seconds"));

    return seconds > 0 ? (int)seconds : ASF_TIMEOUT_S;
}

/* ldap:// is to LDAP what http:// is to HTTP. */
static int check_ldap_url(const struct asf *asf, bool allow_http, struct ein_error *err)
{
    const char *server = asf_ldap_text(asf, "server");
    char as_http[512];

    if (strncmp(server, "ldaps://", 8) == 0)
        return 0;
    (void)snprintf(as_http, sizeof(as_http), "http://%s", server + strlen("ldap://"));
    if (oauth_check_url(as_http, "ldap.server", allow_http, NULL) == 0)
        return 0;
    return error_set(err, EIN_E_INVALID,
                     "ldap.server has to be ldaps: whoever listens could name anybody's projects.");
}

/* RFC 4513, 5.1.2: many directories take a name without a password for nobody in particular, who
 * may not see who is banned. */
static int check_bind(const struct asf *asf, struct ein_error *err)
{
    if (!*asf_ldap_text(asf, "bind_dn") || *asf_ldap_text(asf, "bind_password"))
        return 0;
    return error_set(err, EIN_E_INVALID,
                     "ldap.bind_dn needs a bind_password: without one the directory would not ask "
                     "who that is.");
}

static int check_urls(const struct asf *asf, struct ein_error *err)
{
    bool allow_http = json_is_true(json_object_get(asf->config, "allow_http"));
    int r = oauth_check_url(asf_text(asf, "oauth_init_url"), "oauth_init_url", allow_http, err);

    if (r == 0)
        r = oauth_check_url(asf_text(asf, "oauth_callback_url"), "oauth_callback_url", allow_http,
                            err);
    return r == 0 ? check_ldap_url(asf, allow_http, err) : r;
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct asf *asf = calloc(1, sizeof(*asf));
    int r;

    if (!asf)
        return error_no_memory(err);
    asf->config = config;
    asf->oauth = (struct oauth){
        .host = host,
        .ctx = ctx,
        .name = asf_text(asf, "name"),
        .title = asf_text(asf, "display_name"),
        .client_id = "",
        .client_secret = "",
        .timeout_ms = (uint32_t)json_integer_value(json_object_get(config, "timeout_ms")),
    };
    r = check_urls(asf, err);
    if (r == 0)
        r = check_bind(asf, err);
    if (r == 0)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, asf->oauth.name, &asf_provider, asf, err);
    return init_done(r, asf, free, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "auth-asf",
    .version = "0.1.0",
    .summary = "Login at the Apache Software Foundation",
    .config_schema = config_schema,
    .init = init,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
