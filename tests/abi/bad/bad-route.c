/* SPDX-License-Identifier: Apache-2.0 */
/* Its route has a body schema that is not one. */
#include "bad.h"

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/bad-route",
      .operation_id = "bad_route",
      .body_schema = "[]",
      .status = 200,
      .handle = bad_answer },
};

static int route_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                      void **ret_self, struct ein_error *err)
{
    (void)config;
    *ret_self = NULL;
    return EIN_ADD_ROUTES(host, ctx, routes, (void *)host, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("bad-route"), .init = route_init };

EIN_PLUGIN_EXPORT(plugin)
