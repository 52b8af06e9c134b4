/* SPDX-License-Identifier: Apache-2.0 */
#include "bearer.h"
#include "error.h"
#include "firebase.h"

#include <time.h>

/* What comes without one may come from another machine the next time: it is good for no time. */
static int verify_signature(const struct firebase *firebase, const struct jwt *jwt,
                            const struct ein_req *req, int64_t *ret_good_s, struct ein_error *err)
{
    struct jwt_key *key;
    int r;

    *ret_good_s = 0;
    if (jwt->alg == JWT_ALG_NONE && jwt->signature_len == 0 && emulator_takes(firebase, req))
        return 0;
    if (jwt->alg != JWT_ALG_RS256)
        return error_set(err, EIN_E_UNSUPPORTED, "The token is not signed with RS256.");
    if (!jwt->kid)
        return error_set(err, EIN_E_DENIED, "The token does not name its key.");
    r = jwks_find(firebase->keys, jwt->kid, jwt->alg, &key, ret_good_s, err);
    if (r < 0)
        return r;
    r = jwt_verify(jwt, key, err);
    jwt_key_unref(key);
    return r;
}

static int check_claims(const struct firebase *firebase, const json_t *claims, int64_t now_s,
                        struct ein_error *err)
{
    const struct jwt_rules rules = {
        .issuer = firebase->issuer,
        .audience = firebase->project,
        .now_s = now_s,
        .early_s = firebase->leeway_s,
        .subject_max = FIREBASE_SUBJECT_MAX,
    };
    int64_t auth_time;
    int r = jwt_check(claims, &rules, err);

    if (r < 0)
        return r;
    if (!jwt_time(claims, "auth_time", &auth_time) || auth_time - firebase->leeway_s > now_s)
        return error_set(err, EIN_E_DENIED, "The token does not say when its user logged in.");
    return 0;
}

/* What the host is told of whom the token is about. */
static json_t *identity_of(const json_t *claims)
{
    return json_pack("{s:O, s:O*, s:O*, s:s, s:s}", "uid", json_object_get(claims, "sub"), "email",
                     json_object_get(claims, "email"), "name", json_object_get(claims, "name"),
                     "provider", "firebase", "proof", "bearer");
}

/* The claims are looked at before the signature: what is not for this project costs no key. */
static int verify_token(const struct firebase *firebase, const char *token,
                        const struct ein_req *req, json_t **ret_identity, int64_t *ret_exp_s,
                        int64_t *ret_good_s, struct ein_error *err)
{
    struct jwt jwt;
    int r = jwt_parse(token, &jwt, err);

    if (r < 0)
        return r;
    r = check_claims(firebase, jwt.claims, time(NULL), err);
    if (r == 0)
        r = verify_signature(firebase, &jwt, req, ret_good_s, err);
    if (r == 0) {
        (void)jwt_time(jwt.claims, "exp", ret_exp_s);
        *ret_identity = identity_of(jwt.claims);
        r = *ret_identity ? 0 : error_no_memory(err);
    }
    jwt_done(&jwt);
    return r;
}

/* Clients are told no more than that; the log is told why. */
static int refuse(const struct firebase *firebase, struct ein_req *req, const struct ein_error *why,
                  struct ein_error *err)
{
    const struct ein_http *http = firebase->host->http;

    if (why->code == EIN_E_NO_MEMORY)
        return error_set(err, why->code, "%s", why->text);
    if (why->code == EIN_E_UNAVAILABLE || why->code == EIN_E_BUSY)
        return error_set(err, why->code,
                         "Firebase's keys cannot be fetched at the moment; try again.");
    http->log_msg(req, EIN_INFO, "A Firebase token was refused: %s", why->text);
    if (bearer_refuse(http, req, why->code == EIN_E_TIMEOUT ? "token_expired" : "token_invalid") <
        0)
        return error_no_memory(err);
    return error_set(err, EIN_E_DENIED, "Invalid authentication token");
}

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct firebase *firebase = impl;
    const char *token = bearer_token(firebase->host->http, req);
    unsigned char hash[SEEN_HASH_SIZE];
    struct ein_error why = { 0 };
    int64_t exp_s, good_s;

    if (!token)
        return error_set(err, EIN_E_DENIED, "Not authenticated");
    if (bearer_is_ours(token))
        return EIN_AUTH_DEFER;
    seen_hash(token, hash);
    *ret_claims = seen_get(firebase->seen, hash, time(NULL));
    if (*ret_claims)
        return 0;
    if (verify_token(firebase, token, req, ret_claims, &exp_s, &good_s, &why) < 0)
        return refuse(firebase, req, &why, err);
    firebase->host->count(firebase->ctx, "einion_firebase_tokens_verified_total", 1, NULL);
    seen_add(firebase->seen, hash, *ret_claims, exp_s, good_s, time(NULL));
    return 0;
}

const struct ein_auth_provider firebase_provider = {
    .struct_size = sizeof(firebase_provider),
    .verify = verify,
};
