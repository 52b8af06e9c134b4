/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "oidc.h"

#include <stdio.h>

/* What a login cannot do without, and what it may use. */
static const struct {
    const char *name;
    bool required;
} endpoints[] = {
    { "authorization_endpoint", true },
    { "token_endpoint", true },
    { "jwks_uri", true },
    { "userinfo_endpoint", false },
};

static int check_endpoints(const struct oidc *oidc, const json_t *metadata, struct ein_error *err)
{
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        const char *url = json_string_value(json_object_get(metadata, endpoints[i].name));

        if (!url && endpoints[i].required)
            return error_set(err, EIN_E_UNAVAILABLE, "%s names no %s.", oidc->oauth.title,
                             endpoints[i].name);
        if (url && oauth_check_url(url, endpoints[i].name, oidc->allow_http, NULL) < 0)
            return error_set(err, EIN_E_UNAVAILABLE, "The %s of %s is not https.",
                             endpoints[i].name, oidc->oauth.title);
    }
    return 0;
}

/* Discovery, 4.3: a document of another issuer is an attempt to be taken for it. */
static int check_metadata(const struct oidc *oidc, const json_t *metadata, struct ein_error *err)
{
    const char *issuer = json_string_value(json_object_get(metadata, "issuer"));

    if (!issuer || strcmp(issuer, oidc->issuer) != 0)
        return error_set(err, EIN_E_UNAVAILABLE,
                         "The discovery document of %s is that of another issuer than %s.",
                         oidc->oauth.title, oidc->issuer);
    return check_endpoints(oidc, metadata, err);
}

static int fetch_metadata(struct oidc *oidc, struct ein_error *err)
{
    EIN_ANSWER struct oauth_answer answer = { 0 };
    EIN_FREE char *url = NULL;
    size_t len = strlen(oidc->issuer);
    int r;

    if (asprintf(&url, "%.*s/.well-known/openid-configuration",
                 (int)(oidc->issuer[len - 1] == '/' ? len - 1 : len), oidc->issuer) < 0) {
        url = NULL;
        return error_no_memory(err);
    }
    const struct oauth_call call = { .what = "discovery document", .url = url };
    r = oauth_call(&oidc->oauth, &call, &answer, err);
    if (r == 0 && (answer.status != 200 || !json_is_object(answer.json)))
        r = oauth_unexpected(&oidc->oauth, &call, &answer, err);
    if (r == 0)
        r = check_metadata(oidc, answer.json, err);
    if (r == 0)
        r = jwks_new(oidc->oauth.host, oidc->oauth.ctx,
                     json_string_value(json_object_get(answer.json, "jwks_uri")),
                     oidc->oauth.timeout_ms, &oidc->keys, err);
    if (r == 0)
        oidc->metadata = EIN_TAKE(answer.json);
    return r;
}

/* The lock is held while it is fetched: nobody can log in without it, and each that waited is told
 * of the same failure. */
int oidc_discover(struct oidc *oidc, const json_t **ret_metadata, struct ein_error *err)
{
    EIN_LOCKED(&oidc->lock);

    if (!oidc->metadata && clock_mono_ms() >= oidc->retry_ms) {
        oidc->failure = (struct ein_error){ 0 };
        if (fetch_metadata(oidc, &oidc->failure) < 0)
            oidc->retry_ms = clock_mono_ms() + OIDC_RETRY_MS;
    }
    if (!oidc->metadata)
        return error_set(err, oidc->failure.code, "%s", oidc->failure.text);
    *ret_metadata = oidc->metadata;
    return 0;
}
