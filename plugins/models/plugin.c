/* SPDX-License-Identifier: Apache-2.0 */
/* models: which models there are, what they can and what they cost.
 *
 *   GET /providers                                  those that the caller has keys for, and the
 *                                                   deployed agents as models of "gofannon"
 *   GET /providers/{provider}
 *   GET /providers/{provider}/models                ids
 *   GET /providers/{provider}/models/{model}        ids may have slashes, raw or encoded
 *
 * A provider is there when a plugin publishes llm_provider/1 under its name, and when the caller or
 * the server has a key for it (model_keys/1) where it needs one. Its models are those that the
 * server was built with (config/models), with what the files of a folder of the operator's add,
 * change and take away, and those that the provider lists itself. A changed file counts within
 * `watch_ms`, for everybody at once; one that is wrong changes nothing, and is told of in the log
 * and by /readyz, with the place and what is wrong there. Answers are prepared texts with a strong
 * ETag.
 *
 * Settings
 *   path                a folder of the operator's files that add and change models and prices
 *   watch_ms            how often the folder is looked at for changed files, and providers for
 *                       those that are new (500)
 *   max_files           in that folder (100)
 *   max_file_bytes      of each (1048576)
 *   list_ttl_ms         how long a provider's own list of models is good for (300000)
 *   list_retry_ms       when it is asked again after it could not tell (10000)
 *   max_models          of one such list (2000)
 *
 * Example
 *   plugins:
 *     models:
 *       path: /etc/einion/models
 */
#include "error.h"
#include "models.h"
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
        },
        "max_files" : {
            "type" : "integer",
            "minimum" : 1,
            "maximum" : 10000,
            "default" : 100,
            "description" : "The most files that the folder may have."
        },
        "max_file_bytes" : {
            "type" : "integer",
            "minimum" : 1024,
            "maximum" : 67108864,
            "default" : 1048576,
            "description" : "The most bytes that one of them may have."
        },
        "list_ttl_ms" : {
            "type" : "integer",
            "minimum" : 10,
            "maximum" : 86400000,
            "default" : 300000,
            "description" : "How long a provider's own list of models is good for."
        },
        "list_retry_ms" : {
            "type" : "integer",
            "minimum" : 10,
            "maximum" : 86400000,
            "default" : 10000,
            "description" : "When a provider is asked again whose list could not be had."
        },
        "max_models" : {
            "type" : "integer",
            "minimum" : 1,
            "maximum" : 100000,
            "default" : 2000,
            "description" : "The most models that are taken over from one such list."
        }
    }
});

#define MODEL_SCHEMA                                                                               \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "Model",                                                                         \
        "required" : ["parameters"],                                                               \
        "additionalProperties" : true,                                                             \
        "properties" : {                                                                           \
            "description" : { "type" : "string" },                                                 \
            "parameters" : { "type" : "object", "additionalProperties" : true },                   \
            "context_window" : { "type" : "integer" }                                              \
        }                                                                                          \
    })
#define PROVIDER_SCHEMA                                                                            \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "title" : "Provider",                                                                      \
        "required" : ["models"],                                                                   \
        "properties" : {                                                                           \
            "api_key_env_var" : { "type" : "string" },                                             \
            "models" : { "type" : "object", "additionalProperties" : true }                        \
        }                                                                                          \
    })

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/providers",
      .operation_id = "list_providers",
      .summary = "Providers that the caller has keys for, with their models",
      .auth = EIN_AUTH_USER,
      .reply_schema = SCHEMA_ANY_OBJECT,
      .scope = "models:read",
      .status = 200,
      .handle = providers_get },
    { .method = "GET",
      .path = "/providers/{provider}",
      .operation_id = "get_provider",
      .summary = "A provider with its models",
      .auth = EIN_AUTH_USER,
      .reply_schema = PROVIDER_SCHEMA,
      .scope = "models:read",
      .status = 200,
      .handle = providers_get_one },
    { .method = "GET",
      .path = "/providers/{provider}/models",
      .operation_id = "list_models",
      .summary = "The ids of a provider's models",
      .auth = EIN_AUTH_USER,
      .reply_schema = SCHEMA({ "type" : "array", "items" : { "type" : "string" } }),
      .scope = "models:read",
      .status = 200,
      .handle = providers_get_models },
    { .method = "GET",
      .path = "/providers/{provider}/models/{model:path}",
      .operation_id = "get_model",
      .summary = "A model: parameters, limits, abilities, price",
      .auth = EIN_AUTH_USER,
      .reply_schema = MODEL_SCHEMA,
      .scope = "models:read",
      .status = 200,
      .handle = providers_get_model },
};

static void fini(void *self)
{
    struct models *models = self;

    catalog_free(models->catalog);
    free(models);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct models *models = calloc(1, sizeof(*models));

    if (!models)
        return error_set(err, EIN_E_NO_MEMORY, "out of memory");
    models->host = host;
    models->ctx = ctx;
    models->watch_ms = (uint32_t)integer_of(config, "watch_ms");
    int r = catalog_new(host, ctx, config, &models->catalog, err);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, models, err);
    if (r < 0) {
        fini(models);
        return r;
    }
    *ret_self = models;
    return 0;
}

static int start(void *self, struct ein_error *err)
{
    struct models *models = self;
    int r = catalog_start(models->catalog, err);

    return r < 0 ? r
                 : models->host->every(models->ctx, models->watch_ms, catalog_refresh,
                                       models->catalog);
}

static void stop(void *self)
{
    const struct models *models = self;

    catalog_stop(models->catalog);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "models",
    .version = "0.1.0",
    .summary = "Which models there are, what they can and what they cost",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .stop = stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
