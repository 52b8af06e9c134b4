/* SPDX-License-Identifier: Apache-2.0 */
/* A login that answers wrongly, in the way that the header Odd names. */
#include "bad.h"
#include <einion/services.h>
#include <string.h>

static const struct ein_host *host;

static int verify(void *impl, struct ein_req *req, struct json_t **ret_claims,
                  struct ein_error *err)
{
    const char *odd = host->http->header(req, "Odd");

    (void)impl, (void)ret_claims;
    if (!odd)
        return EIN_AUTH_DEFER;
    if (strcmp(odd, "long") == 0)
        memset(err->text, 'x', sizeof(err->text));
    if (strcmp(odd, "bytes") == 0)
        memset(err->text, '\377', sizeof(err->text));
    if (strcmp(odd, "number") == 0)
        return 7;
    return strcmp(odd, "nobody") == 0 ? 0 : EIN_E_DENIED;
}

static int login_url(void *impl, const struct ein_login *login, char **ret_url,
                     struct ein_error *err)
{
    (void)impl, (void)login, (void)ret_url, (void)err;
    return EIN_E_UNAVAILABLE;
}

static int exchange(void *impl, const struct ein_login *login, struct json_t **ret_claims,
                    struct ein_error *err)
{
    (void)impl, (void)login, (void)ret_claims, (void)err;
    return EIN_E_UNAVAILABLE;
}

static int describe(void *impl, struct json_t **ret_about, struct ein_error *err)
{
    (void)impl, (void)ret_about, (void)err;
    return EIN_E_UNAVAILABLE;
}

static const struct ein_auth_provider provider = { .struct_size = sizeof(provider),
                                                   .verify = verify,
                                                   .login_url = login_url,
                                                   .exchange = exchange,
                                                   .describe = describe };

static int odd_init(const struct ein_host *host_, struct ein_ctx *ctx, const struct json_t *config,
                    void **ret_self, struct ein_error *err)
{
    (void)config;
    host = host_;
    *ret_self = NULL;
    return host->publish(ctx, EIN_AUTH_PROVIDER, "odd", &provider, NULL, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("odd-login"), .init = odd_init };

EIN_PLUGIN_EXPORT(plugin)
