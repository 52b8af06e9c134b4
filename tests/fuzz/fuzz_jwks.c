/* SPDX-License-Identifier: Apache-2.0 */
/* What an endpoint of keys may send, and the same bytes as its Cache-Control. */
#include "cleanup.h"
#include "jwks.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_age(const char *text)
{
    EIN_JSON json_t *headers = json_pack("{s:s*}", "cache-control", text);
    int64_t age = headers ? jwks_age(headers) : JWKS_AGE_MIN_S;

    if (age < JWKS_AGE_MIN_S || age > JWKS_AGE_MAX_S)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EIN_FREE char *text = strndup((const char *)data, size);
    struct jwks_set *set;

    if (!text)
        return 0;
    check_age(text);
    if (jwks_set_parse((const char *)data, size, &set, NULL) < 0)
        return 0;
    const struct jwt_key *rsa = jwks_set_find(set, "k1", JWT_ALG_RS256);
    const struct jwt_key *ec = jwks_set_find(set, NULL, JWT_ALG_ES256);
    if ((rsa && jwt_key_alg(rsa) != JWT_ALG_RS256) || (ec && jwt_key_alg(ec) != JWT_ALG_ES256) ||
        jwks_set_find(set, NULL, JWT_ALG_NONE))
        abort();
    jwks_set_free(set);
    return 0;
}
