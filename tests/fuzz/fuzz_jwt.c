/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of anybody: none of them is signed by a key whose other half nobody has. */
#include "access_token.h"
#include "cleanup.h"
#include "jwt.h"
#include "scopes.h"

#include <string.h>

static const char jwk[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct jwt *jwt)
{
    struct jwt_rules rules = { .issuer = "i", .audience = "a", .now_s = 1000, .subject_max = 8 };
    EIN_JSON json_t *json = json_loads(jwk, 0, NULL);
    struct jwt_key *key;

    if (jwt_key_from_jwk(json, &key) < 0)
        abort();
    (void)jwt_verify(jwt, key, NULL);
    jwt_key_unref(key);
    for (; rules.audience_is <= JWT_AUD_AMONG; rules.audience_is++)
        if (jwt_check(jwt->claims, &rules, NULL) == 0 &&
            (strcmp(json_string_value(json_object_get(jwt->claims, "iss")), "i") != 0 ||
             json_number_value(json_object_get(jwt->claims, "exp")) <= 1000))
            abort();
}

/* Whatever it says, it is given no scope of a site admin. */
static void check_scopes(const struct jwt *jwt)
{
    EIN_JSON json_t *scopes = access_token_scopes(jwt->claims);
    const json_t *scope;
    size_t i;

    (void)access_token_check(jwt, NULL);
    json_array_foreach(scopes, i, scope)
    {
        if (!scope_is_ours(json_string_value(scope)) ||
            scope_covers("admin", json_string_value(scope)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_FREE char *token = strndup((const char *)data, size);
    struct ein_error err = { 0 };
    struct jwt jwt;
    int r = token ? jwt_parse(token, &jwt, &err) : EIN_E_NO_MEMORY;

    if (r != err.code && token)
        abort();
    if (r == 0) {
        check(&jwt);
        check_scopes(&jwt);
        jwt_done(&jwt);
    }
    return 0;
}
