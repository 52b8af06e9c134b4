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

/* Some vendors count reasoning beside the output, and not in it. */
static void add_reasoning(struct ein_llm_outcome *outcome, uint64_t total)
{
    if (total &&
        total == outcome->input_tokens + outcome->output_tokens + outcome->reasoning_tokens)
        outcome->output_tokens += outcome->reasoning_tokens;
}

void openai_take_usage(struct ein_llm_outcome *outcome, const json_t *usage)
{
    const json_t *in, *out;

    if (!json_is_object(usage))
        return;
    const uint64_t input = COUNT(usage, "input_tokens", "prompt_tokens");
    const uint64_t output = COUNT(usage, "output_tokens", "completion_tokens");
    const int64_t cost = cost_of(usage);

    if (!input && !output && !cost) /* nothing is said; what was said before still counts */
        return;
    in = first_object(usage, "input_tokens_details", "prompt_tokens_details");
    out = first_object(usage, "output_tokens_details", "completion_tokens_details");
    outcome->input_tokens = input;
    outcome->output_tokens = output;
    outcome->cached_tokens = COUNT(in, "cached_tokens", "cache_read_input_tokens");
    if (!outcome->cached_tokens)
        outcome->cached_tokens = vendor_count(usage, "prompt_cache_hit_tokens");
    outcome->cache_write_tokens = COUNT(in, "cache_write_tokens", "cache_creation_input_tokens");
    outcome->reasoning_tokens = vendor_count(out, "reasoning_tokens");
    if (!outcome->reasoning_tokens)
        outcome->reasoning_tokens = vendor_count(usage, "reasoning_tokens");
    add_reasoning(outcome, vendor_count(usage, "total_tokens"));
    outcome->vendor_cost = cost;
}
