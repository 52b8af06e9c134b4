/* SPDX-License-Identifier: Apache-2.0 */
/* It offers hen/1 and needs egg/1, whose plugin needs it. */
#include "bad.h"

static const uint32_t vtable = sizeof vtable;
static const char *const needs[] = { "egg/1", NULL };

static int hen_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                    void **ret_self, struct ein_error *err)
{
    (void)config;
    *ret_self = NULL;
    return host->publish(ctx, "hen/1", "hen", &vtable, NULL, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("hen"), .init = hen_init, .needs = needs };

EIN_PLUGIN_EXPORT(plugin)
