/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that lets tests call a service over HTTP: its `routes`, and DRIVER() behind them. */
#pragma once

#include <einion/plugin.h>
#include <stdlib.h>

struct driver {
    const struct ein_host *host;
    struct ein_ctx *ctx;
};

#define DRIVER(NAME, SUMMARY)                                                                      \
    static int init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config, \
                    void **ret_self, struct ein_error *err)                                        \
    {                                                                                              \
        struct driver *driver = calloc(1, sizeof(*driver));                                        \
        (void)config;                                                                              \
        if (!driver)                                                                               \
            return host->set_error(err, EIN_E_NO_MEMORY, "out of memory");                         \
        *driver = (struct driver){ host, ctx };                                                    \
        int r = EIN_ADD_ROUTES(host, ctx, routes, driver, err);                                    \
        if (r < 0)                                                                                 \
            free(driver);                                                                          \
        else                                                                                       \
            *ret_self = driver;                                                                    \
        return r;                                                                                  \
    }                                                                                              \
    static const struct ein_plugin plugin = {                                                      \
        EIN_PLUGIN_HEADER,  .name = NAME, .version = "0.1.0",                                      \
        .summary = SUMMARY, .init = init, .fini = free,                                            \
    };                                                                                             \
    EIN_PLUGIN_EXPORT(plugin)
