/* SPDX-License-Identifier: Apache-2.0 */
/* llm-ollama: models of an Ollama server, by its own API.
 *
 * Publishes llm_provider/1 by the name of its instance.  Answers stream; thoughts and calls of
 * tools come as they do.  models() is the server's list, with what it says of each model: how much
 * it reads, and whether it sees, thinks and calls tools.
 *
 * All parameters that Ollama knows as options are: num_ctx, num_predict (or max_tokens),
 * repeat_penalty, min_p, mirostat and so on; keep_alive and think too.  reasoning_effort is think.
 * It cannot be told to call a tool: tool_choice "none" leaves the tools out, a name leaves the
 * others out, "required" changes nothing.
 *
 * Settings
 *   keep_alive     how long a model stays loaded after a call, where none says: "5m", "-1m" (""
 *                  leaves it to the server)
 *   details_max    how many models of the list are asked for their details (64)
 *   refused_s      how long it is remembered that a model does not know a level of thinking; 0: not
 *                  at all (600)
 *   title, base_url, api_key_env, headers, connect_ms, first_byte_ms, idle_ms, total_ms,
 *   reply_max_bytes, event_max_bytes, max_redirects   as of every vendor; a key is wanted only by
 *                  ollama.com
 *
 * Example
 *   plugins:
 *     ollama:
 *       plugin: llm-ollama
 *       base_url: http://gpu.local:11434
 *       keep_alive: 1h
 */
#include "init.h"
#include "ollama.h"

/* clang-format off */
static const char config_schema[] = "{\"type\": \"object\", \"properties\": {"
    VENDOR_SETTINGS("Ollama", "http://localhost:11434", "OLLAMA_API_KEY") ","
    REFUSED_SETTING("For how long a model is not asked again for a level of thinking that it does not know; 0: it always is.") ","
    SCHEMA("keep_alive" : { "type" : "string", "default" : "", "description" : "How long a model stays loaded after a call that does not say; empty: as the server has it." }) ","
    SCHEMA("details_max" : { "type" : "integer", "minimum" : 0, "maximum" : 10000, "default" : 64, "description" : "How many models of its list are asked for their details." })
    "}}";
/* clang-format on */

static void fini(void *self)
{
    struct ollama *ollama = self;

    vendor_done(&ollama->vendor);
    refused_free(ollama->refused);
    free(ollama);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct ollama *ollama = calloc(1, sizeof(*ollama));
    int r;

    if (!ollama)
        return error_no_memory(err);
    ollama->keep_alive = json_string_value(json_object_get(config, "keep_alive"));
    ollama->details_max = (size_t)json_integer_value(json_object_get(config, "details_max"));
    r = refused_new(config, &ollama->refused, err);
    if (r == 0)
        r = vendor_init(&ollama->vendor, host, ctx, config, err);
    if (r == 0)
        r = host->publish(ctx, EIN_LLM_PROVIDER, NULL, &ollama_provider, ollama, err);
    return init_done(r, ollama, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "llm-ollama",
    .version = "0.1.0",
    .summary = "Models of an Ollama server",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
