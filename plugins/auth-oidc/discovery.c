/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "oidc.h"
#include "str.h"

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

static int fetch_metadata(const struct oidc *oidc, json_t **ret_metadata, struct ein_error *err)
{
    EIN_ANSWER struct oauth_answer answer = { 0 };
    size_t len = strlen(oidc->issuer);
    EIN_FREE char *url =
        str_print("%.*s/.well-known/openid-configuration",
                  (int)(oidc->issuer[len - 1] == '/' ? len - 1 : len), oidc->issuer);
    int r;

    if (!url)
        return error_no_memory(err);
    const struct oauth_call call = { .what = "discovery document", .url = url };
    r = oauth_call(&oidc->oauth, &call, &answer, err);
    if (r == 0 && (answer.status != 200 || !json_is_object(answer.json)))
        r = oauth_unexpected(&oidc->oauth, &call, &answer, err);
    if (r == 0)
        r = check_metadata(oidc, answer.json, err);
    if (r == 0)
        *ret_metadata = EIN_TAKE(answer.json);
    return r;
}

/* ---- what is known of it; all with the lock held ---- */

/* Keys that are where they were are known as well as before. */
static int take_over(struct oidc *oidc, json_t *metadata, struct ein_error *err)
{
    const char *now = json_string_value(json_object_get(metadata, "jwks_uri"));
    const char *then = json_string_value(json_object_get(oidc->metadata, "jwks_uri"));
    struct jwks *keys = NULL;

    if (!then || strcmp(now, then) != 0) {
        int r =
            jwks_new(oidc->oauth.host, oidc->oauth.ctx, now, oidc->oauth.timeout_ms, &keys, err);

        if (r < 0)
            return r;
        jwks_unref(oidc->keys);
        oidc->keys = keys;
    }
    json_decref(oidc->metadata);
    oidc->metadata = json_incref(metadata);
    return 0;
}

static void note(struct oidc *oidc, int r)
{
    oidc->tried_ms = clock_mono_ms();
    oidc->due_ms = oidc->tried_ms + (r < 0 ? oidc->retry_ms : oidc->discovery_ms);
    if (r < 0)
        oidc->oauth.host->log_msg(oidc->oauth.ctx, EIN_WARN, "%s%s", oidc->failure.text,
                                  oidc->metadata ? " What it said before is believed." : "");
}

/* The first time the lock is held on: nobody can log in without it, and each that waited is told
 * of the same failure. */
static void read_first(struct oidc *oidc)
{
    EIN_JSON json_t *metadata = NULL;
    int r = fetch_metadata(oidc, &metadata, &oidc->failure);

    if (r == 0)
        r = take_over(oidc, metadata, &oidc->failure);
    note(oidc, r);
}

/* The lock is let go meanwhile. */
static void read_again(struct oidc *oidc)
{
    EIN_JSON json_t *metadata = NULL;
    struct ein_error why = { 0 };

    oidc->reading = true;
    (void)pthread_mutex_unlock(&oidc->lock);
    int r = fetch_metadata(oidc, &metadata, &why);
    (void)pthread_mutex_lock(&oidc->lock);
    oidc->reading = false;
    oidc->failure = why;
    if (r == 0)
        r = take_over(oidc, metadata, &oidc->failure);
    note(oidc, r);
}

static void doubt(struct oidc *oidc)
{
    int64_t soon_ms = oidc->tried_ms + oidc->retry_ms;

    if (oidc->due_ms > soon_ms)
        oidc->due_ms = soon_ms;
}

static void freshen(struct oidc *oidc)
{
    if (clock_mono_ms() < oidc->due_ms || oidc->reading)
        return;
    if (oidc->metadata)
        read_again(oidc);
    else
        read_first(oidc);
}

/* ---- for others ---- */

int oidc_discover(struct oidc *oidc, json_t **ret_metadata, struct ein_error *err)
{
    EIN_LOCKED(&oidc->lock);

    freshen(oidc);
    if (!oidc->metadata)
        return error_set(err, oidc->failure.code, "%s", oidc->failure.text);
    *ret_metadata = json_incref(oidc->metadata);
    return 0;
}

void oidc_doubt(struct oidc *oidc)
{
    EIN_LOCKED(&oidc->lock);
    doubt(oidc);
}

struct jwks *oidc_keys(struct oidc *oidc)
{
    EIN_LOCKED(&oidc->lock);
    return jwks_ref(oidc->keys);
}

struct jwks *oidc_other_keys(struct oidc *oidc, const struct jwks *useless)
{
    EIN_LOCKED(&oidc->lock);

    if (oidc->keys == useless) {
        doubt(oidc);
        freshen(oidc);
    }
    return oidc->keys == useless ? NULL : jwks_ref(oidc->keys);
}
