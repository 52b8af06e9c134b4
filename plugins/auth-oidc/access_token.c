/* SPDX-License-Identifier: Apache-2.0 */
#include "access_token.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "scopes.h"

#include <string.h>
#include <strings.h>

/* ---- what kind of token ---- */

/* Only id_tokens, and tokens that tell of events, have these. */
static const char *const foreign[] = { "nonce", "at_hash", "c_hash", "s_hash", "events" };

/* The claims of some issuers that say what a token is, and what an access token's are: Keycloak
 * and Cognito. */
static const struct {
    const char *name, *value;
} kinds[] = { { "typ", "Bearer" }, { "token_use", "access" } };

enum type { TYPE_ACCESS, TYPE_ANY, TYPE_OTHER };

static enum type type_of(const json_t *header)
{
    static const char prefix[] = "application/";
    const json_t *typ = json_object_get(header, "typ");
    const char *type = json_string_value(typ);

    if (!typ)
        return TYPE_ANY;
    if (type && strncasecmp(type, prefix, strlen(prefix)) == 0)
        type += strlen(prefix);
    if (type && strcasecmp(type, "at+jwt") == 0)
        return TYPE_ACCESS;
    return type && strcasecmp(type, "JWT") == 0 ? TYPE_ANY : TYPE_OTHER;
}

/* A token that does not say so in its header has to show it: id_tokens have no scope. */
static bool looks_like_one(const json_t *claims)
{
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (json_object_get(claims, foreign[i]))
            return false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *kind = text_of(claims, kinds[i].name);

        if (json_object_get(claims, kinds[i].name) && (!kind || strcmp(kind, kinds[i].value) != 0))
            return false;
    }
    return json_object_get(claims, "scope") || json_object_get(claims, "scp");
}

/* ---- whose ---- */

static bool is(const json_t *claims, const char *name, const char *value)
{
    const char *said = text_of(claims, name);

    return said && value && strcmp(said, value) == 0;
}

/* Keycloak gives a client a user of its own. */
static bool is_service_account(const json_t *claims)
{
    static const char prefix[] = "service-account-";
    const char *name = text_of(claims, "preferred_username"), *client = text_of(claims, "azp");

    return name && client && strncmp(name, prefix, strlen(prefix)) == 0 &&
           strcasecmp(name + strlen(prefix), client) == 0;
}

/* What a client got for itself has no login behind it that it could be the same as. */
static bool is_of_program(const json_t *claims)
{
    static const char *const clients[] = { "client_id", "azp", "cid", "appid" };
    const char *sub = text_of(claims, "sub");

    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
        if (is(claims, clients[i], sub))
            return true;
    /* Entra, and Auth0 */
    return is(claims, "oid", sub) || is(claims, "idtyp", "app") ||
           is(claims, "gty", "client-credentials") || is_service_account(claims);
}

int access_token_check(const struct jwt *jwt, struct ein_error *err)
{
    enum type type = type_of(jwt->header);

    if (type == TYPE_OTHER || (type == TYPE_ANY && !looks_like_one(jwt->claims)))
        return error_set(err, EIN_E_DENIED, "The token is no access token.");
    /* RFC 9449, RFC 8705: whoever has stolen it lacks the key. */
    if (json_object_get(jwt->claims, "cnf"))
        return error_set(err, EIN_E_DENIED, "The token is bound to a key, and no bearer token.");
    if (is_of_program(jwt->claims))
        return error_set(err, EIN_E_DENIED,
                         "The token is a program's own, and nobody's who could log in.");
    return 0;
}

/* ---- what it lets its bearer do ---- */

static int add(json_t *scopes, const char *scope, size_t len)
{
    EIN_FREE char *name = strndup(scope, len);

    if (!name || (scope_is_ours(name) && !scope_covers("admin", name) &&
                  json_array_append_new(scopes, json_string(name)) < 0))
        return EIN_E_NO_MEMORY;
    return 0;
}

/* A text with blanks between (RFC 9068), or a list (Okta). */
static int add_all(json_t *scopes, const json_t *claim)
{
    const char *rest = json_string_value(claim);
    const json_t *item;
    size_t i;

    for (size_t len; rest && *(rest += strspn(rest, " ")); rest += len) {
        len = strcspn(rest, " ");
        if (add(scopes, rest, len) < 0)
            return EIN_E_NO_MEMORY;
    }
    json_array_foreach(claim, i, item)
    {
        const char *scope = json_string_value(item);

        if (scope && add(scopes, scope, strlen(scope)) < 0)
            return EIN_E_NO_MEMORY;
    }
    return 0;
}

json_t *access_token_scopes(const json_t *claims)
{
    EIN_JSON json_t *scopes = json_array();

    if (!scopes || add_all(scopes, json_object_get(claims, "scope")) < 0 ||
        add_all(scopes, json_object_get(claims, "scp")) < 0)
        return NULL;
    return EIN_TAKE(scopes);
}
