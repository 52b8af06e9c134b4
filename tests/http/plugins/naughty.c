/* SPDX-License-Identifier: Apache-2.0 */
/* Takes "X-Naughty: right" for a credential, and any other for a wrong one; and is a login provider
 * that says whatever the file of its setting says, true or not: {"exchange": claims, "refresh":
 * claims, or the name of an error}. */
#include <einion/services.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct naughty {
    const struct ein_host *host;
    const char *file;
};

static const struct {
    const char *name;
    int code;
} errors[] = { { "down", EIN_E_UNAVAILABLE },
               { "denied", EIN_E_DENIED },
               { "unsupported", EIN_E_UNSUPPORTED } };

static int say(const struct naughty *self, const char *what, json_t **ret_claims,
               struct ein_error *err)
{
    json_t *script = json_load_file(self->file, 0, NULL);
    json_t *claims = json_object_get(script, what);
    int r = 0;

    for (size_t i = 0; json_is_string(claims) && i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(json_string_value(claims), errors[i].name) == 0)
            r = self->host->set_error(err, errors[i].code, "the provider is %s", errors[i].name);
    if (r == 0)
        *ret_claims = json_incref(claims);
    json_decref(script);
    return r;
}

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct naughty *self = impl;
    const char *given = self->host->http->header(req, "X-Naughty");

    if (!given)
        return EIN_AUTH_DEFER;
    if (strcmp(given, "right") != 0)
        return self->host->set_error(err, EIN_E_DENIED, "wrong credential");
    *ret_claims = json_pack("{s:s, s:s}", "uid", "naughty:program", "proof", "bearer");
    return 0;
}

static int login_url(void *impl, const struct ein_login *login, char **ret_url,
                     struct ein_error *err)
{
    const struct naughty *self = impl;
    char url[1024];

    (void)err;
    (void)snprintf(url, sizeof(url), "https://naughty.example/?state=%s&nonce=%s&verifier=%s",
                   login->state, login->nonce, login->code_verifier);
    *ret_url = self->host->text_dup(url);
    return 0;
}

static int exchange(void *impl, const struct ein_login *login, json_t **ret_claims,
                    struct ein_error *err)
{
    const struct naughty *self = impl;

    /* "VERIFIER.NONCE": what login_url() was given is what comes back. */
    if (strncmp(login->code, login->code_verifier, strlen(login->code_verifier)) != 0 ||
        strcmp(login->code + strlen(login->code_verifier) + 1, login->nonce) != 0)
        return self->host->set_error(err, EIN_E_INVALID, "not what was sent");
    return say(self, "exchange", ret_claims, err);
}

static int refresh(void *impl, const json_t *claims, json_t **ret_claims, struct ein_error *err)
{
    const struct naughty *self = impl;

    if (!json_is_string(json_object_get(claims, "uid")) ||
        !json_is_array(json_object_get(claims, "workspaces")))
        return self->host->set_error(err, EIN_E_INVALID, "not what exchange() gave");
    return say(self, "refresh", ret_claims, err);
}

static int describe(void *impl, json_t **ret_about, struct ein_error *err)
{
    (void)impl;
    (void)err;
    *ret_about = json_pack("{s:s, s:s}", "displayName", "<b>Naughty</b>", "icon", "dev");
    return 0;
}

static const struct ein_auth_provider provider = { .struct_size = sizeof(provider),
                                                   .verify = verify,
                                                   .login_url = login_url,
                                                   .exchange = exchange,
                                                   .describe = describe,
                                                   .refresh = refresh };

static void fini(void *self)
{
    free(self);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct naughty *self = calloc(1, sizeof(*self));
    int r;

    self->host = host;
    self->file = json_string_value(json_object_get(config, "file"));
    r = host->publish(ctx, EIN_AUTH_PROVIDER, "naughty", &provider, self, err);
    if (r < 0) {
        fini(self);
        return r;
    }
    *ret_self = self;
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "naughty",
    .version = "1.0.0",
    .summary = "Says what it is told to",
    .config_schema =
        "{\"properties\": {\"file\": {\"type\": \"string\"}}, \"required\": [\"file\"]}",
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
