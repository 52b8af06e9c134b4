/* SPDX-License-Identifier: Apache-2.0 */
/* It offers egg/1 and needs hen/1, whose plugin needs it. */
#include "bad.h"

static const uint32_t vtable = sizeof vtable;
static const char *const needs[] = { "hen/1", NULL };

static int egg_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                    void **ret_self, struct ein_error *err)
{
    (void)config;
    *ret_self = NULL;
    return host->publish(ctx, "egg/1", "egg", &vtable, NULL, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("egg"), .init = egg_init, .needs = needs };

EIN_PLUGIN_EXPORT(plugin)
