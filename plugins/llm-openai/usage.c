/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer used, in the words of either format and their relatives. */
#include "reply.h"

#include <math.h>
#include <string.h>

enum { NANO = 1000000000 };

/* The first of these names that counts something. */
static uint64_t first_count(const json_t *object, const char *const *names)
{
    uint64_t count = 0;

    for (; *names && count == 0; names++)
        count = vendor_count(object, *names);
    return count;
}

#define COUNT(object, ...) first_count(object, (const char *const[]){ __VA_ARGS__, NULL })

static const json_t *first_object(const json_t *object, const char *name, const char *otherwise)
{
    const json_t *found = json_object_get(object, name);

    return json_is_object(found) ? found : json_object_get(object, otherwise);
}

static int64_t nano_dollars(const json_t *dollars)
{
    double amount = json_number_value(dollars);

    return amount > 0 && amount < 1e9 ? llround(amount * NANO) : 0;
}

/* A number of dollars, or an object with the total and the currency.  Where the account pays the
 * model's vendor itself, that is told beside it. */
static int64_t cost_of(const json_t *usage)
{
    const json_t *cost = json_object_get(usage, "cost");
    const char *currency = json_string_value(json_object_get(cost, "currency"));
    int64_t nano;

    if (json_is_object(cost))
        return currency && strcmp(currency, "USD") != 0
                   ? 0
                   : nano_dollars(json_object_get(cost, "total_cost"));
    nano = nano_dollars(cost);
    if (json_is_true(json_object_get(usage, "is_byok")))
        nano += nano_dollars(
            json_object_get(json_object_get(usage, "cost_details"), "upstream_inference_cost"));
    return nano;
}

struct used {
    uint64_t input, output, total, cached, written, reasoning;
    int64_t cost;
};

/* Where nothing is said, what was said before still counts.  Some vendors count reasoning beside
 * the output, and not in it. */
static void take(struct ein_llm_outcome *outcome, const struct used *used)
{
    const uint64_t all = used->input + used->output + used->reasoning;

    if (!used->input && !used->output && !used->cost)
        return;
    outcome->input_tokens = used->input;
    outcome->output_tokens = used->output + (used->total == all ? used->reasoning : 0);
    outcome->cached_tokens = used->cached;
    outcome->cache_write_tokens = used->written;
    outcome->reasoning_tokens = used->reasoning;
    outcome->vendor_cost = used->cost;
}

void openai_take_counts(struct ein_llm_outcome *outcome, const struct json_found *told)
{
    if (!told[CHUNK_INPUT].value && !told[CHUNK_OUTPUT].value)
        return;
    const struct used used = {
        .input = vendor_number(told[CHUNK_INPUT].value),
        .output = vendor_number(told[CHUNK_OUTPUT].value),
        .total = vendor_number(told[CHUNK_TOTAL].value),
        .cached = vendor_number(told[CHUNK_CACHED].value),
        .reasoning = vendor_number(told[CHUNK_REASONING].value),
    };

    take(outcome, &used);
}

void openai_take_usage(struct ein_llm_outcome *outcome, const json_t *usage)
{
    const json_t *in = first_object(usage, "input_tokens_details", "prompt_tokens_details");
    const json_t *out = first_object(usage, "output_tokens_details", "completion_tokens_details");
    struct used used = {
        .input = COUNT(usage, "input_tokens", "prompt_tokens"),
        .output = COUNT(usage, "output_tokens", "completion_tokens"),
        .total = vendor_count(usage, "total_tokens"),
        .cached = COUNT(in, "cached_tokens", "cache_read_input_tokens"),
        .written = COUNT(in, "cache_write_tokens", "cache_creation_input_tokens"),
        .reasoning = vendor_count(out, "reasoning_tokens"),
        .cost = cost_of(usage),
    };

    if (!used.cached)
        used.cached = vendor_count(usage, "prompt_cache_hit_tokens");
    if (!used.reasoning)
        used.reasoning = vendor_count(usage, "reasoning_tokens");
    take(outcome, &used);
}
