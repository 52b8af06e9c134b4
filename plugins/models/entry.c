/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"
#include "member.h"

#include <math.h>

enum { NANO = 1000000000, REASONING_PERCENT = 300, LARGE_PERCENT = 150, LARGE_OUTPUT = 32768 };

static int64_t nano_in(const json_t *price, const char *name)
{
    const json_t *dollars = json_object_get(price, name);

    return dollars ? llround(json_number_value(dollars) * NANO) : -1;
}

static void read_prices(struct model *model)
{
    static const char *const names[PRICE_KINDS][2] = {
        [PRICE_INPUT] = { "input", "input_above_200k" },
        [PRICE_OUTPUT] = { "output", "output_above_200k" },
        [PRICE_CACHE_READ] = { "cache_read", "cache_read_above_200k" },
        [PRICE_CACHE_WRITE] = { "cache_write", "cache_write_above_200k" },
        [PRICE_CACHE_HOUR] = { "cache_write_1h", "" },
        [PRICE_REASONING] = { "reasoning", "" },
        [PRICE_INPUT_AUDIO] = { "input_audio", "" },
        [PRICE_CITATION] = { "citation", "" },
        [PRICE_REQUEST] = { "request", "" },
        [PRICE_SEARCH] = { "search", "" },
    };
    const json_t *price = json_object_get(model->json, "price");

    model->priced = price != NULL;
    for (int i = 0; i < PRICE_KINDS; i++) {
        model->price[i] = nano_in(price, names[i][0]);
        model->long_price[i] = nano_in(price, names[i][1]);
    }
}

static void read_abilities(struct model *model)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } abilities[] = {
        { "supports_thinking", MODEL_THINKING },
        { "can_reasoning", MODEL_REASONING },
    };

    for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
        const json_t *told = json_object_get(model->json, abilities[i].name);
        model->can |= json_is_true(told) ? abilities[i].bit : 0;
        model->cannot |= json_is_false(told) ? abilities[i].bit : 0;
    }
}

/* What is not told: a model that thinks takes its time, and so does one that may write much. */
static uint32_t time_percent(const struct model *model)
{
    int64_t told = integer_of(model->json, "time_percent");

    if (told > 0)
        return (uint32_t)told;
    if (model->can & (MODEL_REASONING | MODEL_THINKING))
        return REASONING_PERCENT;
    return model->max_output > LARGE_OUTPUT ? LARGE_PERCENT : 100;
}

void model_read(struct model *model, const char *provider, const char *id, json_t *json)
{
    const json_t *limits = json_object_get(json, "limits");

    *model = (struct model){ .provider = provider, .id = id, .json = json };
    model->embeds = json_object_get(json, "embedding") != NULL;
    model->context_window = integer_of(json, "context_window");
    if (model->context_window == 0)
        model->context_window = integer_of(limits, "context");
    model->max_input = integer_of(limits, "input");
    model->max_output = integer_of(limits, "output");
    model->max_thinking = integer_of(limits, "thinking");
    read_prices(model);
    read_abilities(model);
    model->time_percent = time_percent(model);
}
