/* SPDX-License-Identifier: Apache-2.0 */
/* auth-header: whoever says who they are is believed.  For tests, which need more people than a
 * login gives them in a moment; and an example of an auth provider that is not of this house: it
 * is built with the public headers and jansson alone.
 *
 *   X-Test-Identity: {"uid": "oidc:alice", "workspaces": [{"id": "team", "role": "member"}]}
 */
#include <einion/services.h>
#include <jansson.h>
#include <stdlib.h>

struct auth_header {
    const struct ein_host *host;
};

static int verify(void *impl, struct ein_req *req, json_t **ret_claims, struct ein_error *err)
{
    const struct auth_header *self = impl;
    const char *text = self->host->http->header(req, "X-Test-Identity");

    if (!text)
        return EIN_AUTH_DEFER;
    json_t *claims = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(claims)) {
        json_decref(claims);
        return self->host->set_error(err, EIN_E_DENIED, "X-Test-Identity is not a JSON object.");
    }
    *ret_claims = claims;
    return 0;
}

static const struct ein_auth_provider provider = { .struct_size = sizeof(provider),
                                                   .verify = verify };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct auth_header *self = calloc(1, sizeof(*self));

    (void)config;
    if (!self)
        return host->set_error(err, EIN_E_NO_MEMORY, "out of memory");
    self->host = host;
    int r = host->publish(ctx, EIN_AUTH_PROVIDER, "header", &provider, self, err);
    if (r < 0) {
        free(self);
        return r;
    }
    *ret_self = self;
    return 0;
}

static void fini(void *self)
{
    free(self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "auth-header",
    .version = "0.1.0",
    .summary = "Whoever says who they are is believed",
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
