/* SPDX-License-Identifier: Apache-2.0 */
/* models: which models there are.
 *
 * Settings
 *   path                a folder of the operator's files that add and change models and prices
 *   watch_ms            how often the folder is looked at for changed files (500)
 *
 * Example
 *   plugins:
 *     models:
 *       path: /etc/einion/models
 */
#include "models.h"

#include "error.h"
#include "schemas.h"

#include <stdlib.h>

static const char config_schema[] = SCHEMA({
    "type" : "object",
    "properties" : {
        "path" : {
            "type" : "string",
            "default" : "",
            "description" : "A folder of files (*.yaml) that add and change models and prices."
        },
        "watch_ms" : {
            "type" : "integer",
            "minimum" : 10,
            "maximum" : 3600000,
            "default" : 500,
            "description" : "How often that folder is looked at for files that have changed."
        }
    }
});

static void fini(void *self)
{
    free(self);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct models *models = calloc(1, sizeof(*models));

    (void)config;
    if (!models)
        return error_set(err, EIN_E_NO_MEMORY, "out of memory");
    models->host = host;
    models->ctx = ctx;
    *ret_self = models;
    return 0;
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "models",
    .version = "0.1.0",
    .summary = "Which models there are",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
