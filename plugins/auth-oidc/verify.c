/* SPDX-License-Identifier: Apache-2.0 */
/* Who brings an access token of the issuer that names this server as its audience. */
#include "access_token.h"
#include "bearer.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "oidc.h"
#include "somebody.h"

#include <time.h>

static bool is_of_issuer(const struct oidc *oidc, const json_t *claims)
{
    const char *issuer = text_of(claims, "iss");

    return issuer && strcmp(issuer, oidc->issuer) == 0;
}

static json_t *scopes_of(const struct oidc *oidc, const json_t *claims)
{
    json_t *scopes = access_token_scopes(claims);

    if (!scopes || json_array_size(scopes) > 0)
        return scopes;
    json_decref(scopes);
    return json_incref(json_object_get(oidc->config, "token_scopes"));
}

/* As a login finds out, but for groups: they are those that the token names.  It is for this
 * server, and nobody else is shown it. */
static int know_person(const struct oidc *oidc, const json_t *claims, json_t **ret_identity,
                       struct ein_error *err)
{
    EIN_JSON json_t *said = NULL, *identity = NULL;
    int r = oidc_describe_person(oidc, claims, NULL, &said, err);

    if (r == 0)
        r = somebody_make(oidc->oauth.host, oidc->oauth.ctx, oidc->oauth.name, said, "bearer",
                          &identity, err);
    if (r < 0)
        return r;
    if (!somebody_is_member(identity))
        return error_set(err, EIN_E_DENIED, "The token names no group that may log in here.");
    if (json_object_set_new(identity, "scopes", scopes_of(oidc, claims)) < 0)
        return error_no_memory(err);
    *ret_identity = EIN_TAKE(identity);
    return 0;
}

/* *ret_reason: what about it is not good, for machines. */
static int verify_token(struct oidc *oidc, const struct jwt *jwt, json_t **ret_identity,
                        int64_t *ret_good_s, const char **ret_reason, struct ein_error *err)
{
    int r = access_token_check(jwt, err);

    if (r == 0)
        r = oidc_verify(oidc, jwt, oidc_text(oidc, "audience"), JWT_AUD_AMONG, ret_good_s, err);
    if (r < 0) {
        *ret_reason = r == EIN_E_TIMEOUT ? "token_expired" : "token_invalid";
        return r;
    }
    *ret_reason = "account_refused";
    return know_person(oidc, jwt->claims, ret_identity, err);
}

static int refuse(const struct oidc *oidc, struct ein_req *req, const char *reason,
                  const struct ein_error *why, struct ein_error *err)
{
    const struct ein_http *http = oidc->oauth.host->http;

    http->log_msg(req, EIN_INFO, "A token of %s was refused: %s", oidc->oauth.name, why->text);
    if (why->code == EIN_E_UNAVAILABLE || why->code == EIN_E_BUSY)
        return error_set(err, why->code,
                         "The keys of %s cannot be fetched at the moment; try again.",
                         oidc->oauth.title);
    if (why->code == EIN_E_NO_MEMORY)
        return error_set(err, why->code, "%s", why->text);
    if (bearer_refuse(http, req, reason) < 0)
        return error_no_memory(err);
    return error_set(err, EIN_E_DENIED, "%s", why->text);
}

static void remember(const struct oidc *oidc, const unsigned char hash[SEEN_HASH_SIZE],
                     const json_t *claims, int64_t good_s, json_t *identity)
{
    const struct oauth *oauth = &oidc->oauth;
    int64_t exp_s;

    oauth->host->count(oauth->ctx, "einion_oidc_tokens_verified_total", 1, NULL);
    if (jwt_time(claims, "exp", &exp_s))
        seen_add(oidc->seen, hash, identity, exp_s, good_s, time(NULL));
}

int oidc_verify_request(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    struct oidc *oidc = impl;
    const char *token = bearer_token(oidc->oauth.host->http, req), *reason;
    unsigned char hash[SEEN_HASH_SIZE];
    struct ein_error why = { 0 };
    struct jwt jwt;
    int64_t good_s;
    int r = EIN_AUTH_DEFER;

    if (!*oidc_text(oidc, "audience") || !token || bearer_is_ours(token))
        return EIN_AUTH_DEFER;
    seen_hash(token, hash);
    *ret_claims = seen_get(oidc->seen, hash, time(NULL));
    if (*ret_claims)
        return 0;
    if (jwt_parse(token, &jwt, &why) < 0)
        return EIN_AUTH_DEFER;
    if (is_of_issuer(oidc, jwt.claims)) {
        r = verify_token(oidc, &jwt, ret_claims, &good_s, &reason, &why);
        if (r == 0)
            remember(oidc, hash, jwt.claims, good_s, *ret_claims);
        else
            r = refuse(oidc, req, reason, &why, err);
    }
    jwt_done(&jwt);
    return r;
}
