/* SPDX-License-Identifier: Apache-2.0 */
/* openai-api: every model through the APIs that clients already speak.
 *
 *   POST /v1/chat/completions        OpenAI's: also streams, tools, JSON schemas, images
 *   POST /v1/responses               OpenAI's newer one; kept (kept.c), unless `store` is false,
 *                                    and gone on from by previous_response_id or item_reference
 *   GET DELETE /v1/responses/{response_id}          one of one's own
 *   GET  /v1/responses/{response_id}/input_items    what it was made from
 *   POST /v1/messages                Anthropic's
 *   POST /v1/messages/count_tokens   an estimate: count.c says of what
 *   POST /v1/completions             OpenAI's of old: a prompt, and its answer as text
 *   POST /v1/embeddings              OpenAI's
 *   GET  /v1/models                  the models and deployed agents that the caller may call; in
 *                                    Anthropic's form, where anthropic-version is sent
 *   GET  /v1/models/{model}          one of them
 *
 * A model is PROVIDER/MODEL, or MODEL alone where that is unique; a deployed agent gofannon/NAME,
 * for keys with the scope deployments:run.  Errors below /v1 are OpenAI's object, below
 * /v1/messages, and wherever anthropic-version is sent, Anthropic's.
 *
 * Beside what the APIs have, answers carry the headers x-einion-model, -provider and -attempts,
 * those of the rate limits, and, where they are known in time, x-einion-cost (USD), -overhead-us
 * and -notes (what of the request was left out).  A stream says the last three in its last usage
 * (`usage.cost` and `einion`): chat.completions with stream_options.include_usage, messages in
 * message_delta, responses in response.completed.
 *
 * Thoughts are `reasoning_content`.  What a vendor wants back with them is `reasoning_details`,
 * `extra_content` of a tool call, the `signature` of a thinking block, `encrypted_content` of a
 * reasoning item: clients that send an assistant's message back as it came send it along.  What
 * comes with a call is told by a thought before it in the last two, as clients keep of calls only
 * what they know.
 *
 * Needs completion/1 and storage_backend/1.  Publishes error_shape/1, keeps/1 and erasure/1.
 *
 * Settings
 *   body_bytes     of a request, images and files included (33554432)
 *   json_depth     nesting of its JSON (64)
 *   json_values    in it (1000000)
 *   messages       in one request (4096)
 *   parts          of one message, and calls of tools in it (1024)
 *   tools          in one request (1024)
 *   inputs         to embed, in one request (2048)
 *   notes          of what was left out of one request; a last one says that there are more (64)
 *   keep_days      responses are kept after they were last gone on from; 0: not at all (30)
 *   chain_bytes    of responses that one goes on from, with their input (33554432)
 *   spare_mib      of what a user may keep that they leave to other things (64)
 *   sweep_ms       how often those that are old are deleted (60000)
 *
 * Example
 *   plugins:
 *     openai-api:
 *       body_bytes: 8388608
 */
#include "init.h"
#include "member.h"
#include "openai_api.h"
#include "schemas.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "body_bytes": {
            "type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 33554432,
            "description": "The longest body of a request, images and files included."
        },
        "json_depth": {
            "type": "integer", "minimum": 8, "maximum": 256, "default": 64,
            "description": "How deep its JSON may be nested."
        },
        "json_values": {
            "type": "integer", "minimum": 100, "maximum": 1000000000, "default": 1000000,
            "description": "Values in it: up to 250 bytes of memory each."
        },
        "messages": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 4096,
            "description": "Messages in one request."
        },
        "parts": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 1024,
            "description": "Parts of one message, and calls of tools in it."
        },
        "tools": {
            "type": "integer", "minimum": 1, "maximum": 100000, "default": 1024,
            "description": "Tools in one request."
        },
        "inputs": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 2048,
            "description": "Texts to embed in one request."
        },
        "notes": {
            "type": "integer", "minimum": 1, "maximum": 1000, "default": 64,
            "description": "Notes of what was left out of one request; a last one says that there are more."
        },
        "keep_days": {
            "type": "integer", "minimum": 0, "maximum": 36500, "default": 30,
            "description": "How long responses are kept after they were made or last gone on from; 0: not at all."
        },
        "chain_bytes": {
            "type": "integer", "minimum": 1024, "maximum": 1073741824, "default": 33554432,
            "description": "Of responses that one goes on from, with their input."
        },
        "spare_mib": {
            "type": "integer", "minimum": 0, "maximum": 1048576, "default": 64,
            "description": "Of what a user may keep (plugins.disk-quota) that responses leave to other things."
        },
        "sweep_ms": {
            "type": "integer", "minimum": 10, "maximum": 3600000, "default": 60000,
            "description": "How often responses that are old are deleted."
        }
    }
});

#define CALL_SCHEMA SCHEMA({                                                                       \
    "type": "object", "required": ["model", "messages"], "additionalProperties": true,             \
    "properties": {                                                                                \
        "model": {"type": "string"},                                                               \
        "messages": {"type": "array", "items": {"type": "object", "additionalProperties": true}},  \
        "stream": {"type": "boolean"}                                                              \
    }                                                                                              \
})
#define RESPONSES_SCHEMA SCHEMA({                                                                  \
    "type": "object", "required": ["model", "input"], "additionalProperties": true,                \
    "properties": {                                                                                \
        "model": {"type": "string"},                                                               \
        "input": {"description": "A text, or an array of items"},                                    \
        "stream": {"type": "boolean"},                                                             \
        "previous_response_id": {"type": ["string", "null"]},                                      \
        "store": {"type": ["boolean", "null"], "default": true},                                   \
        "metadata": {"type": ["object", "null"], "additionalProperties": true}                     \
    }                                                                                              \
})
#define PROMPT_SCHEMA SCHEMA({                                                                     \
    "type": "object", "required": ["model", "prompt"], "additionalProperties": true,               \
    "properties": {                                                                                \
        "model": {"type": "string"},                                                               \
        "prompt": {"description": "A text, or an array of one"},                                   \
        "max_tokens": {"type": "integer"},                                                         \
        "stream": {"type": "boolean"}                                                              \
    }                                                                                              \
})
#define EMBEDDINGS_SCHEMA SCHEMA({                                                                 \
    "type": "object", "required": ["model", "input"], "additionalProperties": true,                \
    "properties": {                                                                                \
        "model": {"type": "string"},                                                               \
        "input": {"description": "A text, an array of tokens, or an array of either"},             \
        "encoding_format": {"type": "string", "enum": ["float", "base64"]},                        \
        "dimensions": {"type": "integer"},                                                         \
        "user": {"type": "string"}                                                                 \
    }                                                                                              \
})
#define ITEMS_QUERY_SCHEMA SCHEMA({                                                                \
    "type": "object",                                                                              \
    "properties": {                                                                                \
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},                 \
        "order": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},                   \
        "after": {"type": "string", "maxLength": 512,                                              \
                  "description": "The last item of the page before"}                                \
    }                                                                                              \
})
/* OpenAI's, and Anthropic's. */
#define ERROR_SCHEMA SCHEMA({                                                                      \
    "type": "object", "required": ["error"], "additionalProperties": true,                         \
    "properties": {"error": {                                                                      \
        "type": "object", "required": ["type", "message"], "additionalProperties": true,           \
        "properties": {"type": {"type": "string"}, "message": {"type": "string"}}                  \
    }}                                                                                             \
})
#define REPLY_TYPES "application/json, text/event-stream"
/* clang-format on */

/* Bodies are read by the handlers: their faults are told as the APIs tell them. */
static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/v1/chat/completions",
      .operation_id = "create_chat_completion",
      .summary = "Call a model, as with OpenAI's API",
      .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .auth = EIN_AUTH_USER,
      .body_schema = CALL_SCHEMA,
      .reply_type = REPLY_TYPES,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = chat_completions },
    { .method = "POST",
      .path = "/v1/completions",
      .operation_id = "create_completion",
      .summary = "Have a model answer a prompt, as with OpenAI's oldest API",
      .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .auth = EIN_AUTH_USER,
      .body_schema = PROMPT_SCHEMA,
      .reply_type = REPLY_TYPES,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = text_completions },
    { .method = "POST",
      .path = "/v1/responses",
      .operation_id = "create_response",
      .summary = "Call a model, as with OpenAI's Responses API",
      .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .auth = EIN_AUTH_USER,
      .body_schema = RESPONSES_SCHEMA,
      .reply_type = REPLY_TYPES,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = responses_create },
    { .method = "GET",
      .path = "/v1/responses/{response_id}",
      .operation_id = "get_response",
      .summary = "A response that was kept",
      .auth = EIN_AUTH_USER,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = responses_get },
    { .method = "DELETE",
      .path = "/v1/responses/{response_id}",
      .operation_id = "delete_response",
      .summary = "Forget a response, and with it how those that go on from it began",
      .auth = EIN_AUTH_USER,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .status = 200,
      .handle = responses_delete },
    { .method = "GET",
      .path = "/v1/responses/{response_id}/input_items",
      .operation_id = "list_response_input_items",
      .summary = "What a response was made from, with the responses before it",
      .auth = EIN_AUTH_USER,
      .query_schema = ITEMS_QUERY_SCHEMA,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = responses_input_items },
    { .method = "POST",
      .path = ANTHROPIC_PATH,
      .operation_id = "create_message",
      .summary = "Call a model, as with Anthropic's API",
      .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE,
      .auth = EIN_AUTH_USER,
      .body_schema = CALL_SCHEMA,
      .reply_type = REPLY_TYPES,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = anthropic_messages },
    { .method = "POST",
      .path = ANTHROPIC_PATH "/count_tokens",
      .operation_id = "count_message_tokens",
      .summary = "How many tokens a message has, by and large",
      .flags = EIN_ROUTE_RAW_BODY,
      .auth = EIN_AUTH_USER,
      .body_schema = CALL_SCHEMA,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = anthropic_count },
    { .method = "POST",
      .path = "/v1/embeddings",
      .operation_id = "create_embedding",
      .summary = "Vectors of texts, as with OpenAI's API",
      .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_ONCE,
      .auth = EIN_AUTH_USER,
      .body_schema = EMBEDDINGS_SCHEMA,
      .scope = "models:run",
      .error_schema = ERROR_SCHEMA,
      .handle = embeddings_create },
    { .method = "GET",
      .path = "/v1/models",
      .operation_id = "list_v1_models",
      .summary = "The models that the caller may call",
      .auth = EIN_AUTH_USER,
      .scope = "models:read",
      .error_schema = ERROR_SCHEMA,
      .handle = models_list },
    { .method = "GET",
      .path = "/v1/models/{model:path}",
      .operation_id = "get_v1_model",
      .summary = "One model",
      .auth = EIN_AUTH_USER,
      .scope = "models:read",
      .error_schema = ERROR_SCHEMA,
      .handle = models_get },
};

static const struct ein_error_shape shape = { .struct_size = sizeof(shape),
                                              .path = "/v1",
                                              .shape = shape_error };

static int add_routes(struct openai_api *api, uint32_t body_max, struct ein_error *err)
{
    size_t count = sizeof(routes) / sizeof(routes[0]);

    api->routes = malloc(sizeof(routes));
    if (!api->routes)
        return error_no_memory(err);
    memcpy(api->routes, routes, sizeof(routes));
    for (size_t i = 0; i < count; i++)
        if (api->routes[i].flags & EIN_ROUTE_RAW_BODY)
            api->routes[i].body_max = body_max;
    return api->host->http->add_routes(api->ctx, api->routes, count, sizeof(*api->routes), api,
                                       err);
}

static void fini(void *self)
{
    struct openai_api *api = self;

    free(api->routes);
    free(api);
}

static const char *const kept[] = { RESPONSE_SET, "userId", NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct openai_api *api = calloc(1, sizeof(*api));
    int r;

    if (!api)
        return error_no_memory(err);
    api->host = host;
    api->ctx = ctx;
    api->limits = (struct ask_limits){ .messages = setting_of(config, "messages"),
                                       .parts = setting_of(config, "parts"),
                                       .tools = setting_of(config, "tools"),
                                       .inputs = setting_of(config, "inputs"),
                                       .depth = setting_of(config, "json_depth"),
                                       .values = setting_of(config, "json_values"),
                                       .notes = setting_of(config, "notes") };
    api->keep_days = setting_of(config, "keep_days");
    api->chain_bytes = setting_of(config, "chain_bytes");
    api->spare_mib = setting_of(config, "spare_mib");
    api->sweep_ms = setting_of(config, "sweep_ms");
    r = add_routes(api, setting_of(config, "body_bytes"), err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERROR_SHAPE, "openai", &shape, api, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, api, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "responses", &kept_erasure, api, err);
    return init_done(r, api, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    static const char *const indexed[] = { "userId", "dueAt" };
    struct openai_api *api = self;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < sizeof(indexed) / sizeof(indexed[0]); i++)
        r = api->host->store->index(api->ctx, RESPONSE_SET, indexed[i], err);
    if (r >= 0 && api->host->every(api->ctx, api->sweep_ms, kept_sweep, api) < 0)
        r = error_no_memory(err);
    return r;
}

static const char *const needs[] = { EIN_COMPLETION, EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "openai-api",
    .version = "0.1.0",
    .summary = "Every model through OpenAI's and Anthropic's APIs",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
