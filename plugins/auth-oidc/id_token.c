/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "oidc.h"

#include <time.h>

/* A provider that moves its keys says so in its metadata. */
static int find_key(struct oidc *oidc, const struct jwt *jwt, struct jwt_key **ret_key,
                    int64_t *ret_good_s, struct ein_error *err)
{
    struct jwks *keys = oidc_keys(oidc), *others = NULL;
    int r = jwks_find(keys, jwt->kid, jwt->alg, ret_key, ret_good_s, err);

    if (r == EIN_E_DENIED || r == EIN_E_UNAVAILABLE)
        others = oidc_other_keys(oidc, keys);
    if (others)
        r = jwks_find(others, jwt->kid, jwt->alg, ret_key, ret_good_s, err);
    jwks_unref(others);
    jwks_unref(keys);
    return r;
}

static int verify_signature(struct oidc *oidc, const struct jwt *jwt, int64_t *ret_good_s,
                            struct ein_error *err)
{
    struct jwt_key *key;
    int r;

    if (jwt->alg != JWT_ALG_RS256 && jwt->alg != JWT_ALG_ES256)
        return error_set(err, EIN_E_UNSUPPORTED,
                         "The token is signed with neither RS256 nor ES256.");
    r = find_key(oidc, jwt, &key, ret_good_s, err);
    if (r < 0)
        return r;
    r = jwt_verify(jwt, key, err);
    jwt_key_unref(key);
    return r;
}

int oidc_verify(struct oidc *oidc, const struct jwt *jwt, const char *audience,
                enum jwt_audience audience_is, int64_t *ret_good_s, struct ein_error *err)
{
    const struct jwt_rules rules = {
        .issuer = oidc->issuer,
        .audience = audience,
        .audience_is = audience_is,
        .now_s = time(NULL),
        .early_s = OIDC_LEEWAY_S,
        .late_s = OIDC_LEEWAY_S,
        .subject_max = OAUTH_SUBJECT_MAX,
    };
    EIN_JSON json_t *metadata = NULL;
    int r = jwt_check(jwt->claims, &rules, err);

    if (r == 0)
        r = oidc_discover(oidc, &metadata, err);
    return r == 0 ? verify_signature(oidc, jwt, ret_good_s, err) : r;
}

static int check_nonce(const json_t *claims, const char *nonce, struct ein_error *err)
{
    const char *said = json_string_value(json_object_get(claims, "nonce"));

    if (!nonce || (said && strcmp(said, nonce) == 0))
        return 0;
    return error_set(err, EIN_E_DENIED, "The token is of another login.");
}

/* Whatever is wrong with it is the provider's doing, not the person's: INVALID. */
int oidc_id_token(struct oidc *oidc, const char *token, const char *nonce, json_t **ret_claims,
                  struct ein_error *err)
{
    struct ein_error why = { 0 };
    int64_t good_s;
    struct jwt jwt;
    int r = jwt_parse(token, &jwt, &why);

    if (r == 0) {
        r = oidc_verify(oidc, &jwt, oidc->oauth.client_id, JWT_AUD_PARTY, &good_s, &why);
        if (r == 0)
            r = check_nonce(jwt.claims, nonce, &why);
        if (r == 0)
            *ret_claims = json_incref(jwt.claims);
        jwt_done(&jwt);
    }
    if (r == 0 || r == EIN_E_UNAVAILABLE || r == EIN_E_BUSY)
        return r < 0 ? error_set(err, r, "%s", why.text) : 0;
    return error_set(err, EIN_E_INVALID, "The id_token of %s is not good. %s", oidc->oauth.title,
                     why.text);
}
