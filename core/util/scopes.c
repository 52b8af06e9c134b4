/* SPDX-License-Identifier: Apache-2.0 */
#include "scopes.h"

#include <string.h>

enum { USE_NAME_MAX = 64 };

static bool is_one_of(const char *text, size_t len, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == len && strncmp(*list, text, len) == 0)
            return true;
    return false;
}

bool scope_is_ours(const char *scope)
{
    static const char *const subjects[] = { "models", "agents", "deployments", "admin", NULL };
    static const char *const deeds[] = { "read", "write", "run", NULL };
    size_t len = strcspn(scope, ":");
    const char *rest = scope[len] ? scope + len + 1 : NULL;

    if (is_one_of(scope, len, subjects))
        return !rest || is_one_of(rest, strlen(rest), deeds);
    if (strncmp(scope, "use:", 4) != 0)
        return false;
    len = strlen(rest);
    return len > 0 && len <= USE_NAME_MAX &&
           strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len && !strchr("_.-", *rest);
}

bool scope_covers(const char *held, const char *wanted)
{
    size_t len = strlen(held);

    return strncmp(held, wanted, len) == 0 && (wanted[len] == '\0' || wanted[len] == ':');
}

bool scope_is_held(const struct ein_identity *identity, const char *wanted)
{
    for (const char *const *held = identity->scopes; held && *held; held++)
        if (scope_covers(*held, wanted))
            return true;
    return !identity->scopes;
}

json_t *scopes_json(const struct ein_identity *identity)
{
    json_t *scopes = identity->scopes ? json_array() : json_null();

    for (const char *const *held = identity->scopes; scopes && held && *held; held++) {
        if (json_array_append_new(scopes, json_string(*held)) < 0) {
            json_decref(scopes);
            return NULL;
        }
    }
    return scopes;
}

bool scope_is_among(const json_t *scopes, const char *wanted)
{
    const json_t *held;
    size_t i;

    json_array_foreach(scopes, i, held)
    {
        if (scope_covers(json_string_value(held), wanted))
            return true;
    }
    return json_is_null(scopes);
}
