/* SPDX-License-Identifier: Apache-2.0 */
/* llm-gemini: Google's models, by generateContent of the Gemini API.
 *
 * Publishes llm_provider/1 by the name of its instance.  Answers stream; thoughts, calls of tools,
 * sources that Google Search found, and code that Gemini ran come as they do.  Signatures of
 * thoughts are given back on the parts that they came with.
 *
 * Models before Gemini 3 are given a budget of tokens to think with, the others a level:
 * reasoning_effort and thinking_budget mean either.  A model's entry in the catalog may say which:
 * {"wire": {"thinking": "budget"}}, or "level".
 *
 * Settings
 *   api_version    of the API, in its paths (v1beta)
 *   title, base_url, api_key_env, headers, connect_ms, first_byte_ms, idle_ms, total_ms,
 *   reply_max_bytes, event_max_bytes, max_redirects   as of every vendor
 *
 * Example
 *   plugins:
 *     gemini:
 *       plugin: llm-gemini
 *       base_url: ${GEMINI_BASE_URL:-https://generativelanguage.googleapis.com}
 */
#include "gemini.h"
#include "init.h"

/* clang-format off */
static const char config_schema[] = "{\"type\": \"object\", \"properties\": {"
    VENDOR_SETTINGS("Gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY") ","
    SCHEMA("api_version" : { "type" : "string", "pattern" : "^[a-z0-9]+$", "default" : "v1beta", "description" : "Of the API, in its paths." })
    "}}";
/* clang-format on */

static void fini(void *self)
{
    struct gemini *gemini = self;

    vendor_done(&gemini->vendor);
    free(gemini);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct gemini *gemini = calloc(1, sizeof(*gemini));
    int r;

    if (!gemini)
        return error_no_memory(err);
    gemini->version = json_string_value(json_object_get(config, "api_version"));
    r = vendor_init(&gemini->vendor, host, ctx, config, err);
    if (r == 0)
        r = host->publish(ctx, EIN_LLM_PROVIDER, NULL, &gemini_provider, gemini, err);
    return init_done(r, gemini, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "llm-gemini",
    .version = "0.1.0",
    .summary = "Google's models",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
