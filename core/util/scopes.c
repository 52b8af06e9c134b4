/* SPDX-License-Identifier: Apache-2.0 */
#include "scopes.h"

#include <string.h>

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
