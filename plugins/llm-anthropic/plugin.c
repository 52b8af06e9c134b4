/* SPDX-License-Identifier: Apache-2.0 */
/* llm-anthropic: Claude models by Anthropic's Messages API, or whoever else speaks it.
 *
 * Publishes llm_provider/1 by the name of the instance.  Answers are streamed: text, thoughts, tool
 * calls, and the pages they cite.  Thoughts come with their signature, which a next call brings
 * back in "replay": the vendor wants it there in a turn that called tools.
 *
 * How a model thinks follows from reasoning_effort, thinking_budget and show_thinking, and from
 * what the catalog says of it: supports_thinking, supports_effort, and wire.thinking ("adaptive"
 * or "budget"; without it those that know efforts are adaptive).  A budget stays below max_tokens;
 * who thinks is sent no temperature; who must call a tool does not think.  Where a tool was called
 * and the thought before it is another vendor's, the rest of that turn goes without thinking.
 *
 * A model that takes no schema for its answer (wire.reply_schema: tool) gives it as the arguments
 * of a tool, which come as text.
 *
 * An answer that the vendor pauses (its own tools take long) is asked to go on, and is one answer
 * to the caller, with the usage of all its parts.
 *
 * Settings, beside those that all vendors have (title base_url api_key_env headers connect_ms
 * first_byte_ms idle_ms total_ms reply_max_bytes event_max_bytes max_redirects)
 *   version        anthropic-version (2023-06-01); from 2026-10-21 on temperature, top_p and top_k
 *                  are not sent, which that version refuses
 *   beta           names for anthropic-beta ([])
 *   max_tokens     of an answer where neither caller nor catalog says (4096)
 *   continuations  how often a paused answer is asked to go on (8)
 *
 * Example
 *   plugins:
 *     anthropic:
 *       plugin: llm-anthropic
 *       beta: [interleaved-thinking-2025-05-14]
 */
#include "anthropic.h"
#include "init.h"

#include <string.h>

/* clang-format off */
static const char config_schema[] = "{\"type\": \"object\", \"properties\": {"
    VENDOR_SETTINGS("Anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY") ","
    SCHEMA("version" : { "type" : "string", "pattern" : "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "default" : "2023-06-01",
                         "description" : "Of the API: the header anthropic-version." }) ","
    SCHEMA("beta" : { "type" : "array", "items" : { "type" : "string", "pattern" : "^[A-Za-z0-9._-]+$" }, "default" : [],
                      "description" : "What is tried before it is for all: the header anthropic-beta." }) ","
    SCHEMA("max_tokens" : { "type" : "integer", "minimum" : 1, "maximum" : 10000000, "default" : 4096,
                            "description" : "Of an answer, where neither the caller nor the catalog says." }) ","
    SCHEMA("continuations" : { "type" : "integer", "minimum" : 0, "maximum" : 100, "default" : 8,
                               "description" : "How often an answer that the vendor pauses is asked to go on." })
    "}}";
/* clang-format on */

static const struct ein_llm_provider provider = {
    .struct_size = sizeof(provider),
    .complete = anthropic_complete,
};

static void fini(void *self)
{
    struct anthropic *anthropic = self;

    vendor_done(&anthropic->vendor);
    free(anthropic->beta);
    free(anthropic);
}

static int join_beta(struct anthropic *anthropic, const json_t *names, struct ein_error *err)
{
    size_t size = 1;

    if (json_array_size(names) == 0)
        return 0;
    for (size_t i = 0; i < json_array_size(names); i++)
        size += json_string_length(json_array_get(names, i)) + 1;
    anthropic->beta = calloc(1, size);
    if (!anthropic->beta)
        return error_no_memory(err);
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (i > 0)
            strcat(anthropic->beta, ",");
        strcat(anthropic->beta, json_string_value(json_array_get(names, i)));
    }
    return 0;
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct anthropic *anthropic = calloc(1, sizeof(*anthropic));
    int r;

    if (!anthropic)
        return error_no_memory(err);
    anthropic->version = json_string_value(json_object_get(config, "version"));
    anthropic->continuations =
        (uint32_t)json_integer_value(json_object_get(config, "continuations"));
    anthropic->rules.max_tokens = json_integer_value(json_object_get(config, "max_tokens"));
    anthropic->rules.sampling = strcmp(anthropic->version, "2026-10-21") < 0;
    r = vendor_init(&anthropic->vendor, host, ctx, config, err);
    if (r >= 0)
        r = join_beta(anthropic, json_object_get(config, "beta"), err);
    if (r >= 0)
        r = host->publish(ctx, EIN_LLM_PROVIDER, NULL, &provider, anthropic, err);
    return init_done(r, anthropic, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "llm-anthropic",
    .version = "0.1.0",
    .summary = "Claude models by Anthropic's Messages API",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
