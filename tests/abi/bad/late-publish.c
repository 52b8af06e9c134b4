/* SPDX-License-Identifier: Apache-2.0 */
/* It offers a service after init, when that is too late. */
#include "bad.h"

static const uint32_t vtable = sizeof vtable;

struct late {
    const struct ein_host *host;
    struct ein_ctx *ctx;
};

static int late_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                     void **ret_self, struct ein_error *err)
{
    static struct late late;

    (void)config, (void)err;
    late = (struct late){ host, ctx };
    *ret_self = &late;
    return 0;
}

static int late_start(void *self, struct ein_error *err)
{
    const struct late *late = self;

    return late->host->publish(late->ctx, "late/1", "late", &vtable, NULL, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("late-publish"), .init = late_init,
                                          .start = late_start };

EIN_PLUGIN_EXPORT(plugin)
