/* SPDX-License-Identifier: Apache-2.0 */
/* It adds its routes, then fails: they must be gone. */
#include "bad.h"

static const struct ein_route routes[] = { BAD_ROUTE("GET", "/init-fails", "init_fails") };

static int failing_init(const struct ein_host *host, struct ein_ctx *ctx,
                        const struct json_t *config, void **ret_self, struct ein_error *err)
{
    int r;

    (void)config, (void)ret_self;
    r = EIN_ADD_ROUTES(host, ctx, routes, (void *)host, err);
    if (r < 0)
        return r;
    return host->set_error(err, EIN_E_UNAVAILABLE, "the kettle is cold");
}

static const struct ein_plugin plugin = { BAD_PLUGIN("init-fails"), .init = failing_init };

EIN_PLUGIN_EXPORT(plugin)
