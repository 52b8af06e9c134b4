/* SPDX-License-Identifier: Apache-2.0 */
/* Its init is well, its start is not. */
#include "bad.h"

static int fails_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                      void **ret_self, struct ein_error *err)
{
    (void)ctx, (void)config, (void)err;
    *ret_self = (void *)host;
    return 0;
}

static int fails_start(void *self, struct ein_error *err)
{
    const struct ein_host *host = self;

    return host->set_error(err, EIN_E_UNAVAILABLE, "the kettle does not boil");
}

static const struct ein_plugin plugin = { BAD_PLUGIN("start-fails"), .init = fails_init,
                                          .start = fails_start };

EIN_PLUGIN_EXPORT(plugin)
