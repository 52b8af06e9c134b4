/* SPDX-License-Identifier: Apache-2.0 */
/* A provider of models as ABI 1.0 knew it. */
#include <einion/services.h>
#include <jansson.h>
#include <string.h>

static int complete(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    struct ein_llm_piece piece = { .struct_size = sizeof(piece), .kind = EIN_LLM_TEXT };
    json_t *tool = json_pack("{s:s, s:s, s:{s:s}}", "id", "1", "name", "f", "arguments", "a", "b");
    int r;

    (void)impl, (void)err;
    piece.text = call->model;
    r = sink(&piece, data);
    piece.kind = EIN_LLM_TOOL_CALL;
    piece.text = NULL;
    piece.data = tool;
    if (r == 0)
        r = sink(&piece, data);
    json_decref(tool);
    ret_outcome->input_tokens = 5;
    ret_outcome->output_tokens = 2;
    strcpy(ret_outcome->stop_reason, "tool_calls");
    return r == 0 ? 0 : EIN_E_CANCELLED;
}

static int models(void *impl, struct json_t **ret_models, struct ein_error *err)
{
    (void)impl, (void)err;
    *ret_models = json_pack("[{s:s, s:b, s:{}}]", "id", "one", "can_tool_call", 1, "parameters");
    return 0;
}

static const struct ein_llm_provider provider = { .struct_size = sizeof(provider),
                                                  .models = models,
                                                  .complete = complete };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                void **ret_self, struct ein_error *err)
{
    (void)config;
    *ret_self = NULL;
    return host->publish(ctx, EIN_LLM_PROVIDER, "old", &provider, NULL, err);
}

static void fini(void *self)
{
    (void)self;
}

static const struct ein_plugin plugin = { EIN_PLUGIN_HEADER,   .name = "provider", .version = "1.0",
                                          .summary = "Models", .init = init,       .fini = fini };

EIN_PLUGIN_EXPORT(plugin)
