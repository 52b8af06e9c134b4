/* SPDX-License-Identifier: Apache-2.0 */
/* models: which models there are, what they can and what they cost; and the one door to them.
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
 * `watch_ms` and after SIGHUP, for everybody at once; one that is wrong changes nothing, and is
 * told of in the log and by /readyz, with the place and what is wrong there. Answers are prepared
 * texts with a strong ETag.
 *
 * Publishes completion/1, the way of every call to a model: parameters are checked by the catalog,
 * the key is found, the most that the call may cost is set aside (ledger/1), the vendor is asked,
 * again where that helps and nothing was answered yet, then those that are configured in its
 * place, and what it has cost is settled to the nano-dollar.  What breaks off is paid as far as it
 * came.
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
 *   parameters          what a model does not have, tools of the vendor too, is dropped with a
 *                       note, more tokens or another effort than it has become the most and the
 *                       nearest; or refused (drop)
 *   max_notes           notes of one call; a last one says that there are more (64)
 *   pass_parameters     names that are handed on unchecked ([])
 *   pass_tools          tools of vendors, without their dates, that a client may name though the
 *                       catalog does not have them (those that the client runs itself)
 *   connect_ms first_byte_ms idle_ms total_ms
 *                       deadlines (10000 120000 60000 600000); all but the first are longer for
 *                       models that reason
 *   token_us            total_ms is at least so long for each of max_tokens (20000)
 *   retries             repetitions before the first piece (2)
 *   retry_base_ms retry_max_ms retry_after_max_ms
 *                       pauses: the first, the longest, a vendor's longest (500 8000 60000)
 *   fallbacks           {"provider/model": ["provider/model"]}: who is asked instead
 *   fallback_on         after which faults (no_credit, rate_limit, overloaded, unreachable)
 *   limits              requests and tokens a minute of a user, a key, a model (none)
 *   image_tokens output_tokens
 *                       the most that an image, and an answer of an unknown model, cost (50000
 *                       131072)
 *   hold_lease_ms       how long a dead server's calls hold money (120000)
 *
 * Example
 *   plugins:
 *     models:
 *       path: /etc/einion/models
 *       fallbacks: {openai/gpt-5.2: [anthropic/claude-opus-4-6]}
 *       limits: {user: {requests: 60, tokens: 200000}}
 */
#include "init.h"
#include "models.h"
#include "schemas.h"

#include <stdlib.h>

/* clang-format off */
#define RATES                                                                                      \
    SCHEMA({                                                                                       \
        "requests": {"type": "integer", "minimum": 0, "maximum": 1000000000, "default": 0,         \
                     "description": "Requests a minute."},                                         \
        "tokens": {"type": "integer", "minimum": 0, "maximum": 1000000000000, "default": 0,        \
                   "description": "Tokens a minute, of questions and answers."}                    \
    })
#define RATES_OF(what)                                                                             \
    SCHEMA({"type": "object", "default": {}, "description": what, "properties": ) RATES "}"

static const char config_schema[] = "{" SCHEMA("type": "object", "properties": {
    "path": {"type": "string", "default": "",
             "description": "A folder of files (*.yaml) that add and change models and prices."},
    "watch_ms": {"type": "integer", "minimum": 10, "maximum": 3600000, "default": 500,
                 "description": "How often that folder is looked at for files that have changed."},
    "max_files": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 100,
                  "description": "The most files that the folder may have."},
    "max_file_bytes": {"type": "integer", "minimum": 1024, "maximum": 67108864,
                       "default": 1048576,
                       "description": "The most bytes that one of them may have."},
    "list_ttl_ms": {"type": "integer", "minimum": 10, "maximum": 86400000, "default": 300000,
                    "description": "How long a provider's own list of models is good for."},
    "list_retry_ms": {"type": "integer", "minimum": 10, "maximum": 86400000, "default": 10000,
                      "description": "When a provider is asked again whose list could not be had."},
    "max_models": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 2000,
                   "description": "The most models that are taken over from one such list."},
    "parameters": {"type": "string", "enum": ["drop", "refuse"], "default": "drop",
        "description": "What a model lacks, tools too, is left out with a note, more tokens than it has and another effort become the most and the nearest; or refused."},
    "max_notes": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 64,
                  "description": "Notes of one call; a last one says that there are more."},
    "pass_parameters": {"type": "array", "items": {"type": "string"}, "default": [],
                        "description": "Parameters that every model is given as they are."},
    "pass_tools": {"type": "array", "items": {"type": "string"},
        "default": ["apply_patch", "bash", "computer", "computer_use_preview", "local_shell", "memory",
                    "text_editor", "tool_search", "tool_search_tool_bm25", "tool_search_tool_regex"],
        "description": "Tools of vendors, without their dates, that a client may name though the catalog does not have them."},
    "connect_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "default": 10000,
                   "description": "How long connecting to a vendor may take."},
    "first_byte_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "default": 120000,
        "description": "How long a vendor may be silent at first; more for models that reason."},
    "idle_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "default": 60000,
                "description": "How long it may pause in an answer; more for models that reason."},
    "total_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "default": 600000,
                 "description": "What a call may take in all; more for models that reason."},
    "token_us": {"type": "integer", "minimum": 0, "maximum": 10000000, "default": 20000,
        "description": "Microseconds that a call may take at least for each of max_tokens."},
    "retries": {"type": "integer", "minimum": 0, "maximum": 100, "default": 2,
                "description": "How often a model is asked again where that may help."},
    "retry_base_ms": {"type": "integer", "minimum": 1, "maximum": 3600000, "default": 500,
        "description": "The pause before the first repetition; then twice as long each time."},
    "retry_max_ms": {"type": "integer", "minimum": 1, "maximum": 3600000, "default": 8000,
                     "description": "The longest such pause."},
    "retry_after_max_ms": {"type": "integer", "minimum": 0, "maximum": 3600000, "default": 60000,
                           "description": "A vendor that wants a longer pause is not asked again."},
    "fallbacks": {"type": "object", "default": {},
                  "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": "Who is asked in a model's place: lists of provider/model, by it."},
    "fallback_on": {"type": "array",
                    "items": {"type": "string",
                              "enum": ["bad_key", "no_credit", "rate_limit", "context_too_long",
                                       "refused", "overloaded", "bad_request", "unreachable"]},
                    "default": ["no_credit", "rate_limit", "overloaded", "unreachable"],
                    "description": "After which faults the next model is asked."},
    "limits": {
        "type": "object", "default": {},
        "description": "What a user, key or model may have in a minute; 0: no limit.",
        "properties": {
            "user": ) RATES_OF("Of each user.") SCHEMA(,
            "key": ) RATES_OF("Of each API key of einion.") SCHEMA(,
            "model": ) RATES_OF("Of each model, all users together.") SCHEMA(,
            "models": {
                "type": "object", "default": {},
                "description": "Of one model, by provider/model, instead.",
                "additionalProperties": {"type": "object", "properties": ) RATES SCHEMA(}
            }
        }
    },
    "image_tokens": {"type": "integer", "minimum": 0, "maximum": 10000000, "default": 50000,
                     "description": "The most tokens that an image costs, for what is set aside."},
    "output_tokens": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 131072,
        "description": "The most tokens of an answer, where the catalog does not say."},
    "hold_lease_ms": {"type": "integer", "minimum": 1000, "maximum": 86400000, "default": 120000,
                      "description": "How long a dead server's calls keep money aside."}
}) "}";

#define MODEL_SCHEMA SCHEMA({ \
    "type": "object", "title": "Model", "required": ["parameters"], "additionalProperties": true, \
    "properties": { \
        "description": {"type": "string"}, \
        "parameters": {"type": "object", "additionalProperties": true}, \
        "context_window": {"type": "integer"} \
    } \
})
#define PROVIDER_SCHEMA SCHEMA({ \
    "type": "object", "title": "Provider", "required": ["models"], \
    "properties": { \
        "api_key_env_var": {"type": "string"}, \
        "models": {"type": "object", "additionalProperties": true} \
    } \
})
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/providers",
      .operation_id = "list_providers",
      .summary = "Providers that the caller has keys for, with their models",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = SCHEMA_ANY_OBJECT,
      .scope = "models:read",
      .status = 200,
      .handle = providers_get },
    { .method = "GET",
      .path = "/providers/{provider}",
      .operation_id = "get_provider",
      .summary = "A provider with its models",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = PROVIDER_SCHEMA,
      .scope = "models:read",
      .status = 200,
      .handle = providers_get_one },
    { .method = "GET",
      .path = "/providers/{provider}/models",
      .operation_id = "list_models",
      .summary = "The ids of a provider's models",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = SCHEMA({ "type" : "array", "items" : { "type" : "string" } }),
      .scope = "models:read",
      .status = 200,
      .handle = providers_get_models },
    { .method = "GET",
      .path = "/providers/{provider}/models/{model:path}",
      .operation_id = "get_model",
      .summary = "A model: parameters, limits, abilities, price",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .reply_schema = MODEL_SCHEMA,
      .scope = "models:read",
      .status = 200,
      .handle = providers_get_model },
};

static void fini(void *self)
{
    struct models *models = self;

    completion_done(models);
    catalog_free(models->catalog);
    free(models);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct models *models = calloc(1, sizeof(*models));

    if (!models)
        return error_no_memory(err);
    models->host = host;
    models->ctx = ctx;
    models->watch_ms = setting_of(config, "watch_ms");
    int r = catalog_new(host, ctx, config, &models->catalog, err);
    if (r >= 0)
        r = completion_init(models, config, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_COMPLETION, "models", &completion_service, models, err);
    if (r >= 0)
        r = host->subscribe(ctx, "configuration.reloaded", catalog_reread, models->catalog);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, models, err);
    return init_done(r, models, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    struct models *models = self;
    int r = catalog_start(models->catalog, err);

    if (r >= 0)
        r = completion_start(models);
    return r < 0 ? r
                 : models->host->every(models->ctx, models->watch_ms, catalog_refresh,
                                       models->catalog);
}

static void stop(void *self)
{
    struct models *models = self;

    completion_stop(models);
    catalog_stop(models->catalog);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "models",
    .version = "0.1.0",
    .summary = "Which models there are, what they cost, and the one door to them",
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .stop = stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
