/* SPDX-License-Identifier: Apache-2.0 */
/* llm-openai: models behind OpenAI's API, and behind those of others that speak its formats.
 *
 * Publishes llm_provider/1 under the name of the instance.  A call is sent as a chat
 * completion, or as a response where the model's catalog entry has the api_style "responses";
 * answers stream.  Embeddings are asked for at their own path.  Nothing is stored at the vendor:
 * what a model thought comes back sealed, and is sent with the next call.
 *
 * OpenRouter, Perplexity and servers of one's own (vLLM, llama.cpp, LM Studio, Ollama ...) are
 * instances with other settings; config/einion.yaml has the first two.
 *
 * Settings
 *   title             what errors call the vendor (OpenAI)
 *   base_url          where its API is (https://api.openai.com/v1)
 *   api_key_env       the secret that is the key where a call brings none (OPENAI_API_KEY)
 *   needs_key         false: calls without a key are sent without one (true)
 *   key_header        the header that carries the key; empty: Authorization, as a bearer's
 *   organization, project   sent as OpenAI-Organization and OpenAI-Project
 *   headers           sent with every call
 *   api_style         auto, chat or responses; auto: as the catalog says (auto)
 *   chat_parameters   that exist in chat completions only, and make auto choose them
 *   chat_path, responses_path, models_path, embeddings_path   after base_url
 *   embeddings_format in which they are asked for: base64, float, or empty (base64)
 *   stream            false: the server cannot stream (true)
 *   stream_usage      asks for the usage of a stream (true)
 *   system_role       of a chat's first message: system or developer (system)
 *   max_tokens_name   the member for max_tokens of a chat (max_completion_tokens)
 *   reasoning         of a chat: effort, or object for OpenRouter's {"effort", ...} (effort)
 *   reasoning_content sends what a chat thought back, as DeepSeek wants it (false)
 *   reasoning_summary of a response: auto, concise, detailed, or empty for none (auto)
 *   responses_schema  where a response's schema goes: text or response_format (text)
 *   cache_control     marks what is worth keeping, for OpenRouter (false)
 *   tools             false: the server takes no tools (true)
 *   extra_body        members of every request; null takes one away, arrays are put together
 *   model_body        the same by model; a catalog entry may have wire.extra_body too
 *   live_models       asks the server which models it has (false)
 *   refused_s         how long it is remembered that an account must prove who it is before a model
 *                     streams, or shows its thoughts, to it; 0: not at all (600)
 *   connect_ms, first_byte_ms, idle_ms, total_ms   0: the server's (0)
 *   reply_max_bytes, event_max_bytes, max_redirects   (67108864, 8388608, 0)
 *
 * Example: a server of one's own
 *   plugins:
 *     vllm:
 *       plugin: llm-openai
 *       title: vLLM
 *       base_url: http://gpu.local:8000/v1
 *       needs_key: false
 *       max_tokens_name: max_tokens
 *       live_models: true
 */
#include "init.h"
#include "openai.h"

/* clang-format off */
static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    VENDOR_SETTINGS("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY") ","
    REFUSED_SETTING("For how long a model that streams, or shows its thoughts, only to accounts that have proved who they are is not asked to again; 0: it always is.") ","
    SCHEMA(
    "needs_key" : { "type" : "boolean", "default" : true, "description" : "Refuse calls for which there is no key." },
    "key_header" : { "type" : "string", "pattern" : "^[A-Za-z0-9-]*$", "default" : "", "description" : "The header that carries the key; empty: Authorization, as a bearer's." },
    "organization" : { "type" : "string", "default" : "", "description" : "Sent as OpenAI-Organization." },
    "project" : { "type" : "string", "default" : "", "description" : "Sent as OpenAI-Project." },
    "api_style" : { "type" : "string", "enum" : ["auto", "chat", "responses"], "default" : "auto", "description" : "How to ask: as the catalog says, or always in one way." },
    "chat_parameters" : {
        "type" : "array",
        "items" : { "type" : "string" },
        "default" : ["stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"],
        "description" : "Parameters that exist in chat completions only, and make auto choose them."
    },
    "chat_path" : { "type" : "string", "pattern" : "^/", "default" : "/chat/completions", "description" : "After base_url." },
    "responses_path" : { "type" : "string", "pattern" : "^/", "default" : "/responses", "description" : "After base_url." },
    "models_path" : { "type" : "string", "pattern" : "^/", "default" : "/models", "description" : "After base_url." },
    "embeddings_path" : { "type" : "string", "pattern" : "^/", "default" : "/embeddings", "description" : "After base_url." },
    "embeddings_format" : { "type" : "string", "enum" : ["base64", "float", ""], "default" : "base64", "description" : "How vectors are asked for; empty: the server does not know encoding_format." },
    "stream" : { "type" : "boolean", "default" : true, "description" : "Whether the server can stream." },
    "stream_usage" : { "type" : "boolean", "default" : true, "description" : "Whether it knows stream_options." },
    "system_role" : { "type" : "string", "enum" : ["system", "developer"], "default" : "system", "description" : "Of messages of the system." },
    "max_tokens_name" : { "type" : "string", "minLength" : 1, "default" : "max_completion_tokens", "description" : "The member that a chat has for max_tokens." },
    "reasoning" : { "type" : "string", "enum" : ["effort", "object"], "default" : "effort", "description" : "How a chat asks for reasoning." },
    "reasoning_content" : { "type" : "boolean", "default" : false, "description" : "Send what a chat thought back under this name." },
    "reasoning_summary" : { "type" : "string", "enum" : ["", "auto", "concise", "detailed"], "default" : "auto", "description" : "What a response tells of its reasoning." },
    "responses_schema" : { "type" : "string", "enum" : ["text", "response_format"], "default" : "text", "description" : "Where a response takes the schema of the answer." },
    "cache_control" : { "type" : "boolean", "default" : false, "description" : "Mark what is worth keeping." },
    "tools" : { "type" : "boolean", "default" : true, "description" : "Whether the server takes tools." },
    "extra_body" : { "type" : "object", "additionalProperties" : true, "default" : {}, "description" : "Members of every request; null takes one away." },
    "model_body" : { "type" : "object", "additionalProperties" : { "type" : "object", "additionalProperties" : true }, "default" : {}, "description" : "The same by model." },
    "live_models" : { "type" : "boolean", "default" : false, "description" : "Ask the server which models it has." })
    "}}";
/* clang-format on */

static void fini(void *self)
{
    struct openai *openai = self;

    vendor_done(&openai->vendor);
    refused_free(openai->refused);
    free(openai);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct openai *openai = calloc(1, sizeof(*openai));
    int r;

    if (!openai)
        return error_no_memory(err);
    r = openai_init(openai, host, ctx, config, err);
    if (r == 0)
        r = host->publish(ctx, EIN_LLM_PROVIDER, NULL, &openai_provider, openai, err);
    return init_done(r, openai, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "llm-openai",
    .version = "0.1.0",
    .summary = "Models behind OpenAI's API and those like it",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
