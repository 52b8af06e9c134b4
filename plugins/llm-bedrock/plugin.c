/* SPDX-License-Identifier: Apache-2.0 */
/* llm-bedrock: the models of Amazon Bedrock, by its Converse API.
 *
 * Publishes llm_provider/1 by the name of the instance.  Answers come as a binary stream of events,
 * whose checksums are verified; of Llama with tools, which has no such stream, in one piece.  A
 * model's id is what Bedrock calls it: of the model itself, of an inference profile, or an ARN.
 *
 * The key is Bedrock's bearer key (AWS_BEARER_TOKEN_BEDROCK).  Where neither the call nor the
 * server has one, requests are signed (Signature Version 4) with AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY and, of temporary keys, AWS_SESSION_TOKEN.
 *
 * A model that takes no schema for its answer but calls tools (can_structured_output and
 * can_tool_call in the catalog) gives it as the arguments of one, which come as text.
 *
 * Images and files go by their bytes; Bedrock fetches no URL.  Claude thinks as llm-anthropic says,
 * Nova by reasoning_effort, others are sent reasoning_effort; wire.family in a model's entry of the
 * catalog (claude, nova, llama) tells it of a model whose id does not.  guardrailConfig,
 * performanceConfig, requestMetadata, promptVariables, additionalModelRequestFields and
 * additionalModelResponseFieldPaths are parameters by these names.
 *
 * Settings, beside those that all vendors have (title base_url api_key_env headers connect_ms
 * first_byte_ms idle_ms total_ms reply_max_bytes event_max_bytes max_redirects)
 *   region      where the models are (us-east-1); base_url, where it is empty, follows from it
 *   service     what signatures are for (bedrock)
 *   max_tokens  of an answer where neither caller nor catalog says (4096)
 *
 * Example
 *   plugins:
 *     bedrock:
 *       plugin: llm-bedrock
 *       region: eu-central-1
 */
#include "bedrock.h"
#include "init.h"

/* clang-format off */
static const char config_schema[] = "{\"type\": \"object\", \"properties\": {"
    VENDOR_SETTINGS("Bedrock", "", "AWS_BEARER_TOKEN_BEDROCK") ","
    SCHEMA("region" : { "type" : "string", "pattern" : "^[a-z0-9-]+$", "default" : "us-east-1",
                        "description" : "Where the models are; an empty base_url follows from it." }) ","
    SCHEMA("service" : { "type" : "string", "pattern" : "^[a-z0-9-]+$", "default" : "bedrock",
                         "description" : "What signatures are for." }) ","
    SCHEMA("max_tokens" : { "type" : "integer", "minimum" : 1, "maximum" : 10000000, "default" : 4096,
                            "description" : "Of an answer, where neither the caller nor the catalog says." })
    "}}";
/* clang-format on */

static const struct ein_llm_provider provider = {
    .struct_size = sizeof(provider),
    .complete = bedrock_complete,
    .embed = bedrock_embed,
};

static void fini(void *self)
{
    struct bedrock *bedrock = self;

    vendor_done(&bedrock->vendor);
    json_decref(bedrock->settings);
    free(bedrock->host);
    free(bedrock->path);
    free(bedrock);
}

static int read_settings(struct bedrock *bedrock, const json_t *config, struct ein_error *err)
{
    EIN_FREE char *url = NULL;

    bedrock->settings = json_copy((json_t *)config);
    bedrock->region = json_string_value(json_object_get(config, "region"));
    bedrock->service = json_string_value(json_object_get(config, "service"));
    bedrock->max_tokens = json_integer_value(json_object_get(config, "max_tokens"));
    url = bedrock_base_url(bedrock->region);
    if (!bedrock->settings || !url)
        return error_no_memory(err);
    if (json_string_length(json_object_get(config, "base_url")) == 0 &&
        json_object_set_new(bedrock->settings, "base_url", json_string(url)) < 0)
        return error_no_memory(err);
    return 0;
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct bedrock *bedrock = calloc(1, sizeof(*bedrock));
    int r;

    if (!bedrock)
        return error_no_memory(err);
    bedrock->key_id = host->secret(ctx, "AWS_ACCESS_KEY_ID");
    bedrock->key = host->secret(ctx, "AWS_SECRET_ACCESS_KEY");
    bedrock->token = host->secret(ctx, "AWS_SESSION_TOKEN");
    r = read_settings(bedrock, config, err);
    if (r >= 0)
        r = vendor_init(&bedrock->vendor, host, ctx, bedrock->settings, err);
    if (r >= 0)
        r = bedrock_endpoint(bedrock, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_LLM_PROVIDER, NULL, &provider, bedrock, err);
    return init_done(r, bedrock, fini, ret_self);
}

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .name = "llm-bedrock",
    .version = "0.1.0",
    .summary = "The models of Amazon Bedrock, by its Converse API",
    .config_schema = config_schema,
    .init = init,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
