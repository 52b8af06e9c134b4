/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "member.h"
#include "oidc.h"

static const struct oidc_kind *const kinds[] = { &oidc_kind_any, &oidc_kind_google,
                                                 &oidc_kind_microsoft };

const char *oidc_text(const struct oidc *oidc, const char *setting)
{
    return text_or_empty(oidc->config, setting);
}

static const struct oidc_kind *kind_of(const char *type)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i]->type, type) == 0)
            return kinds[i];
    return &oidc_kind_any; /* the schema lets no other type pass */
}

static const char *or_else(const char *value, const char *otherwise)
{
    return *value ? value : otherwise;
}

static int set_mode(struct oidc *oidc, struct ein_error *err)
{
    const char *mode = oidc_text(oidc, "mode");

    oidc->open = strcmp(mode, oidc->kind->open_mode) == 0;
    if (oidc->open || strcmp(mode, "allowlist") == 0)
        return 0;
    return error_set(err, EIN_E_INVALID, "mode: for type %s it is allowlist or %s.",
                     oidc->kind->type, oidc->kind->open_mode);
}

static int set_issuer(struct oidc *oidc, struct ein_error *err)
{
    const char *given = oidc_text(oidc, "issuer");
    int r = oidc->kind->issuer(oidc->config, &oidc->issuer, err);

    if (r == 0 && *given) {
        free(oidc->issuer);
        oidc->issuer = strdup(given);
    }
    if (r == 0 && !oidc->issuer)
        r = error_no_memory(err);
    return r == 0 ? oauth_check_url(oidc->issuer, "issuer", oidc->allow_http, err) : r;
}

static int check_groups_url(const struct oidc *oidc, struct ein_error *err)
{
    const char *url = oidc_text(oidc, "groups_url");

    return *url ? oauth_check_url(url, "groups_url", oidc->allow_http, err) : 0;
}

int oidc_set_up(struct oidc *oidc, const json_t *config, struct ein_error *err)
{
    struct oauth *oauth = &oidc->oauth;
    int r;

    oidc->config = config;
    oidc->kind = kind_of(text_or_empty(config, "type"));
    oidc->allow_http = json_is_true(json_object_get(config, "allow_http"));
    oidc->ask_again = json_is_true(json_object_get(config, "ask_again"));
    oauth->name = or_else(text_or_empty(config, "name"), oidc->kind->type);
    oauth->title = or_else(text_or_empty(config, "display_name"), oidc->kind->title);
    oauth->client_id = text_or_empty(config, "client_id");
    oauth->client_secret = text_or_empty(config, "client_secret");
    oauth->timeout_ms = setting_of(config, "timeout_ms");
    oidc->discovery_ms = INT64_C(1000) * setting_of(config, "discovery_s");
    oidc->retry_ms = INT64_C(1000) * setting_of(config, "discovery_retry_s");
    r = seen_new((size_t)integer_of(config, "cached_tokens"), &oidc->seen, err);
    if (r == 0)
        r = set_mode(oidc, err);
    if (r == 0)
        r = set_issuer(oidc, err);
    return r == 0 ? check_groups_url(oidc, err) : r;
}

void oidc_tear_down(struct oidc *oidc)
{
    jwks_unref(oidc->keys);
    seen_free(oidc->seen);
    json_decref(oidc->metadata);
    free(oidc->issuer);
    (void)pthread_mutex_destroy(&oidc->lock);
}
