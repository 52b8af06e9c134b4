/* SPDX-License-Identifier: Apache-2.0 */
#include "asf.h"
#include "cleanup.h"
#include "error.h"
#include "ldap_text.h"
#include "str.h"

#include <ctype.h>
#include <ldap.h>

static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

static void unbind(LDAP **ldap)
{
    if (*ldap)
        (void)ldap_unbind_ext_s(*ldap, NULL, NULL);
}

static bool is_encrypted(const struct asf *asf)
{
    return strncmp(asf_ldap_text(asf, "server"), "ldaps:", 6) == 0;
}

static int trouble(const struct asf *asf, const char *what, int status, struct ein_error *err)
{
    bool doubt = status == LDAP_SERVER_DOWN && is_encrypted(asf);

    return error_set(err, EIN_E_UNAVAILABLE, "The directory of %s cannot be %s: %s%s.",
                     asf->oauth.title, what, ldap_err2string(status),
                     doubt ? ", or its certificate is not good" : "");
}

/* ---- the connection ---- */

/* The authorities that vouch for servers: those of the settings, or of libldap's own configuration,
 * which a context of one's own does not inherit. */
static int set_authorities(const struct asf *asf, LDAP *ldap)
{
    const char *given = asf_ldap_text(asf, "ca_file");
    char *configured = NULL;
    int status;

    (void)ldap_get_option(NULL, LDAP_OPT_X_TLS_CACERTFILE, &configured);
    status = ldap_set_option(ldap, LDAP_OPT_X_TLS_CACERTFILE,
                             *given       ? given
                             : configured ? configured
                                          : system_authorities);
    ldap_memfree(configured);
    return status;
}

/* A file or a variable of the machine's must not switch the check of certificates off; but only a
 * context of its own makes libldap heed what is said here. */
static int set_tls(const struct asf *asf, LDAP *ldap)
{
    const int demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    int status = set_authorities(asf, ldap);

    if (status == LDAP_SUCCESS)
        status = ldap_set_option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    return status == LDAP_SUCCESS ? ldap_set_option(ldap, LDAP_OPT_X_TLS_NEWCTX, &client) : status;
}

static int set_options(const struct asf *asf, LDAP *ldap)
{
    const struct timeval timeout = { .tv_sec = asf_ldap_timeout_s(asf) };
    const int version = LDAP_VERSION3;
    int status = ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);

    if (status == LDAP_SUCCESS)
        status = ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &timeout);
    if (status == LDAP_SUCCESS)
        status = ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &timeout);
    /* Nobody else is asked, whatever this one says. */
    if (status == LDAP_SUCCESS)
        status = ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    return status == LDAP_SUCCESS && is_encrypted(asf) ? set_tls(asf, ldap) : status;
}

/* Without a bind_dn nobody in particular asks. */
static int bind_as(const struct asf *asf, LDAP *ldap)
{
    const char *dn = asf_ldap_text(asf, "bind_dn"), *password = asf_ldap_text(asf, "bind_password");
    struct berval credentials = { .bv_len = strlen(password), .bv_val = (char *)password };

    if (!*dn)
        return LDAP_SUCCESS;
    return ldap_sasl_bind_s(ldap, dn, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
}

static int connect_to(const struct asf *asf, LDAP **ret_ldap, struct ein_error *err)
{
    LDAP *ldap = NULL;
    int status = ldap_initialize(&ldap, asf_ldap_text(asf, "server"));

    if (status == LDAP_SUCCESS)
        status = set_options(asf, ldap);
    if (status == LDAP_SUCCESS)
        status = bind_as(asf, ldap);
    if (status != LDAP_SUCCESS) {
        unbind(&ldap);
        return trouble(asf, "reached", status, err);
    }
    *ret_ldap = ldap;
    return 0;
}

/* ---- questions ---- */

struct question {
    const char *base;
    int scope;                     /* LDAP_SCOPE_... */
    const char *attribute, *value; /* the filter, with the value escaped */
};

/* Adds the first `cn` of each entry that was found; "" where none can be seen: found it is. */
static int add_names(LDAP *ldap, LDAPMessage *result, json_t *names, struct ein_error *err)
{
    int r = 0;

    for (LDAPMessage *entry = ldap_first_entry(ldap, result); entry && r == 0;
         entry = ldap_next_entry(ldap, entry)) {
        struct berval **values = ldap_get_values_len(ldap, entry, "cn");
        bool named = values && values[0];

        if (json_array_append_new(names, named ? json_stringn(values[0]->bv_val, values[0]->bv_len)
                                               : json_string("")) < 0)
            r = error_no_memory(err);
        ldap_value_free_len(values);
    }
    return r;
}

/* The names of what is found; the base itself has to be there. */
static int ask(const struct asf *asf, LDAP *ldap, const struct question *question, json_t *names,
               struct ein_error *err)
{
    static char cn[] = "cn";
    char *attributes[] = { cn, NULL };
    struct timeval timeout = { .tv_sec = asf_ldap_timeout_s(asf) };
    EIN_FREE char *filter =
        question->value ? str_print("(%s=%s)", question->attribute, question->value) : NULL;
    LDAPMessage *result = NULL; /* stays NULL where there was no answer, which libldap asserts */
    int status, r;

    if (!filter)
        return error_no_memory(err);
    status = ldap_search_ext_s(ldap, question->base, question->scope, filter, attributes, 0, NULL,
                               NULL, &timeout, ASF_ENTRIES_MAX, &result);
    if (status == LDAP_SUCCESS && result)
        r = add_names(ldap, result, names, err);
    else
        r = trouble(asf, "asked", status, err);
    (void)ldap_msgfree(result);
    return r;
}

/* The banned group is asked by its own name: an entry comes if the account is in it. */
static int check_banned(const struct asf *asf, LDAP *ldap, const char *uid, struct ein_error *err)
{
    EIN_JSON json_t *found = json_array();
    EIN_FREE char *value = ldap_filter_value(uid);
    const struct question question = { asf_ldap_text(asf, "banned_group"), LDAP_SCOPE_BASE,
                                       "memberUid", value };
    int r = ask(asf, ldap, &question, found, err);

    if (r == 0 && json_array_size(found) > 0)
        r = error_set(err, EIN_E_DENIED, "Your account has been suspended by ASF Infrastructure.");
    return r;
}

static int ask_committer(const struct asf *asf, LDAP *ldap, const char *uid, json_t *names,
                         struct ein_error *err)
{
    EIN_FREE char *value = ldap_filter_value(uid);
    const struct question question = { asf_ldap_text(asf, "committer_base"), LDAP_SCOPE_ONELEVEL,
                                       "memberUid", value };

    return ask(asf, ldap, &question, names, err);
}

/* A PMC lists its members by their distinguished names. */
static int ask_pmc(const struct asf *asf, LDAP *ldap, const char *uid, json_t *names,
                   struct ein_error *err)
{
    EIN_FREE char *rdn = ldap_name_value(uid);
    EIN_FREE char *dn = rdn ? str_print("uid=%s,%s", rdn, asf_ldap_text(asf, "people_base")) : NULL;
    EIN_FREE char *value = dn ? ldap_filter_value(dn) : NULL;
    const struct question question = { asf_ldap_text(asf, "pmc_base"), LDAP_SCOPE_ONELEVEL,
                                       "member", value };
    return ask(asf, ldap, &question, names, err);
}

/* ---- workspaces ---- */

/* "Apache Tomcat" of "tomcat", unless a setting says better. */
static json_t *title_of(const struct asf *asf, const char *project)
{
    json_t *given = json_object_get(json_object_get(asf->config, "project_display_names"), project);

    return json_is_string(given)
               ? json_incref(given)
               : json_sprintf("Apache %c%s", toupper((unsigned char)project[0]), project + 1);
}

/* The ids are those that the service whose API this is has given: project:NAME. */
static int add_project(const struct asf *asf, json_t *workspaces, const char *project, bool admin,
                       struct ein_error *err)
{
    if (!*project)
        return 0;
    if (json_array_append_new(
            workspaces,
            json_pack("{s:o, s:s, s:o, s:s, s:n}", "id", json_sprintf("project:%s", project),
                      "role", admin ? "admin" : "member", "name", title_of(asf, project), "source",
                      admin ? "ldap_pmc" : "ldap_committer", "description")) < 0)
        return error_no_memory(err);
    return 0;
}

int asf_workspaces(const struct asf *asf, const char *uid, json_t **ret_workspaces,
                   struct ein_error *err)
{
    __attribute__((cleanup(unbind))) LDAP *ldap = NULL;
    EIN_JSON json_t *projects = json_array(), *pmcs = json_array(), *workspaces = json_array();
    const json_t *project;
    size_t i;
    int r = connect_to(asf, &ldap, err);

    if (r == 0)
        r = check_banned(asf, ldap, uid, err);
    if (r == 0)
        r = ask_committer(asf, ldap, uid, projects, err);
    if (r == 0)
        r = ask_pmc(asf, ldap, uid, pmcs, err);
    json_array_foreach(projects, i, project)
    {
        const char *name = json_string_value(project);

        if (r == 0)
            r = add_project(asf, workspaces, name, oauth_lists(pmcs, name), err);
    }
    if (r == 0)
        *ret_workspaces = EIN_TAKE(workspaces);
    return r;
}
