/* SPDX-License-Identifier: Apache-2.0 */
/* The same route two times. */
#include "bad.h"

static const struct ein_route routes[] = {
    BAD_ROUTE("GET", "/route-twice", "route_first"),
    BAD_ROUTE("GET", "/route-twice", "route_second"),
};

static int twice_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                      void **ret_self, struct ein_error *err)
{
    (void)config;
    *ret_self = NULL;
    return EIN_ADD_ROUTES(host, ctx, routes, (void *)host, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("route-twice"), .init = twice_init };

EIN_PLUGIN_EXPORT(plugin)
