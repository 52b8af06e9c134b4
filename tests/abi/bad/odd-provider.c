/* SPDX-License-Identifier: Apache-2.0 */
/* A provider of models, each of which answers wrongly in its own way. */
#include "bad.h"
#include <einion/services.h>
#include <math.h>
#include <string.h>

struct answer {
    ein_llm_sink *sink;
    void *data;
    struct ein_llm_outcome *outcome;
    struct ein_error *err;
    int after_end; /* pieces that were not refused after the sink had said that it has enough */
};

static int give(struct answer *answer, int kind, const char *text, json_t *take_data)
{
    struct ein_llm_piece piece = { sizeof(piece), kind, text, take_data, NULL, 0, 0 };
    int r = answer->sink(&piece, answer->data);

    json_decref(take_data);
    return r;
}

static int give_vector(struct answer *answer, float value, uint32_t index)
{
    const float numbers[] = { value, 1 };
    struct ein_llm_piece piece = { sizeof(piece), EIN_LLM_VECTOR, NULL, NULL, numbers, 2, index };

    return answer->sink(&piece, answer->data);
}

static void no_utf8(struct answer *answer)
{
    (void)give(answer, EIN_LLM_TEXT, "\303", NULL);
    if (give(answer, EIN_LLM_TEXT, "\244", NULL) == 0)
        answer->after_end++;
}

static void no_piece(struct answer *answer)
{
    (void)answer->sink(NULL, answer->data);
}

static void no_size(struct answer *answer)
{
    const struct ein_llm_piece piece = { .kind = EIN_LLM_TEXT, .text = "x" };

    (void)answer->sink(&piece, answer->data);
}

static void no_object(struct answer *answer)
{
    (void)give(answer, EIN_LLM_SOURCE, NULL, json_array());
}

static void no_source(struct answer *answer)
{
    (void)give(answer, EIN_LLM_SOURCE, NULL, NULL);
}

static void no_arguments(struct answer *answer)
{
    (void)give(answer, EIN_LLM_TOOL_CALL, NULL, json_pack("{s:s, s:s}", "id", "1", "name", "f"));
}

static void no_end(struct answer *answer)
{
    struct ein_llm_outcome *outcome = answer->outcome;

    memset(outcome->stop_reason, 's', sizeof(outcome->stop_reason));
    memset(outcome->vendor_request_id, '\377', sizeof(outcome->vendor_request_id));
    memset(outcome->model, 'm', sizeof(outcome->model));
    memset(outcome->stop_sequence, 'q', sizeof(outcome->stop_sequence));
    (void)give(answer, EIN_LLM_TEXT, "said", NULL);
}

static void most_tokens(struct answer *answer)
{
    answer->outcome->input_tokens = answer->outcome->output_tokens = UINT64_MAX;
    (void)give(answer, EIN_LLM_TEXT, "said", NULL);
}

static void most_money(struct answer *answer)
{
    answer->outcome->vendor_cost = INT64_MAX;
    (void)give(answer, EIN_LLM_TEXT, "said", NULL);
}

static void least_money(struct answer *answer)
{
    answer->outcome->vendor_cost = INT64_MIN;
    (void)give(answer, EIN_LLM_TEXT, "said", NULL);
}

static void long_error(struct answer *answer)
{
    answer->outcome->fault = 12345;
    memset(answer->err->text, '\377', sizeof(answer->err->text));
}

static void no_vector(struct answer *answer)
{
    (void)answer;
}

static void no_number(struct answer *answer)
{
    (void)give_vector(answer, NAN, 0);
}

static void no_input(struct answer *answer)
{
    (void)give_vector(answer, 1, 4000000000U);
}

static void one_too_many(struct answer *answer)
{
    (void)give_vector(answer, 1, 0);
    (void)give_vector(answer, 1, 1);
}

static const struct {
    const char *model;
    void (*run)(struct answer *answer);
    int result;
} ways[] = {
    { "no-utf8", no_utf8, 0 },
    { "no-piece", no_piece, 0 },
    { "no-size", no_size, 0 },
    { "no-object", no_object, 0 },
    { "no-source", no_source, 0 },
    { "no-arguments", no_arguments, 0 },
    { "no-end", no_end, 0 },
    { "most-tokens", most_tokens, 0 },
    { "most-money", most_money, 0 },
    { "least-money", least_money, 0 },
    { "long-error", long_error, -9999 },
    { "no-vector", no_vector, 0 },
    { "no-number", no_number, 0 },
    { "no-input", no_input, 0 },
    { "one-too-many", one_too_many, 0 },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]), EMBEDDINGS = 11 };

static int answer(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                  struct ein_llm_outcome *ret_outcome, struct ein_error *err)
{
    struct answer mine = { sink, data, ret_outcome, err, 0 };

    (void)impl;
    ret_outcome->input_tokens = 3;
    ret_outcome->output_tokens = 4;
    for (size_t i = 0; i < WAYS; i++) {
        if (strcmp(call->model, ways[i].model) != 0)
            continue;
        ways[i].run(&mine);
        return mine.after_end ? EIN_E_BUSY : ways[i].result;
    }
    return EIN_E_NOT_FOUND;
}

static int models(void *impl, struct json_t **ret_models, struct ein_error *err)
{
    (void)impl, (void)err;
    *ret_models = json_array();
    for (size_t i = 0; i < WAYS; i++)
        json_array_append_new(*ret_models,
                              json_pack("{s:s, s:{s:i, s:i}, s:{}}", "id", ways[i].model, "price",
                                        "input", 1, "output", 2,
                                        i < EMBEDDINGS ? "parameters" : "embedding"));
    return 0;
}

static const struct ein_llm_provider provider = {
    .struct_size = sizeof(provider), .models = models, .complete = answer, .embed = answer
};

static int odd_init(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                    void **ret_self, struct ein_error *err)
{
    (void)config;
    *ret_self = NULL;
    return host->publish(ctx, EIN_LLM_PROVIDER, NULL, &provider, NULL, err);
}

static const struct ein_plugin plugin = { BAD_PLUGIN("odd-provider"), .init = odd_init };

EIN_PLUGIN_EXPORT(plugin)
