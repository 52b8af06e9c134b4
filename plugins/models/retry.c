/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include "member.h"
#include "vendor.h"

#include <string.h>

enum { STATUSES = 12 };

/* Which answers each vendor wants to be asked again for.  500: all from there on. */
static const struct again {
    const char *provider; /* NULL: all others */
    bool all_of_500;
    int16_t statuses[STATUSES]; /* 0-ended */
} table[] = {
    { "gemini", false, { 408, 429, 500, 502, 503, 504 } },
    { "bedrock", false, { 408, 424, 429, 500, 503 } },
    { "openrouter", false, { 408, 429, 502, 503, 524, 529 } },
    { "ollama", false, { 429, 502 } },
    { NULL, true, { 408, 409, 429 } },
};

void retry_read(const json_t *config, struct retry *ret_retry)
{
    *ret_retry = (struct retry){
        .retries = setting_of(config, "retries"),
        .base_ms = setting_of(config, "retry_base_ms"),
        .max_ms = setting_of(config, "retry_max_ms"),
        .after_max_ms = setting_of(config, "retry_after_max_ms"),
    };
}

static bool asks_again(const char *provider, int32_t status)
{
    const struct again *row = table;

    while (row->provider && strcmp(row->provider, provider) != 0)
        row++;
    if (row->all_of_500 && status >= 500)
        return true;
    for (size_t i = 0; i < STATUSES && row->statuses[i]; i++)
        if (row->statuses[i] == status)
            return true;
    return false;
}

bool retry_helps(const char *provider, const struct ein_llm_outcome *outcome)
{
    switch (outcome->fault) {
    case EIN_LLM_FAULT_BAD_REQUEST: /* 408, 409; of 500 the vendor said that it would not help */
        if (outcome->vendor_status >= 500)
            return false;
        break;
    case EIN_LLM_FAULT_OVERLOADED: /* that is no such status: the vendor has asked for it */
        if (outcome->vendor_status >= 400 &&
            vendor_fault_of(outcome->vendor_status) == EIN_LLM_FAULT_BAD_REQUEST)
            return true;
        break;
    case EIN_LLM_FAULT_RATE_LIMIT:
    case EIN_LLM_FAULT_UNREACHABLE:
        break;
    default:
        return false;
    }
    if (outcome->vendor_status >= 400)
        return asks_again(provider, outcome->vendor_status);
    return outcome->fault != EIN_LLM_FAULT_BAD_REQUEST; /* no answer, or a fault inside of a 200 */
}

uint32_t retry_pause_ms(const struct retry *retry, uint32_t attempt, uint32_t asked_ms,
                        double random)
{
    uint64_t ms = retry->base_ms;

    if (asked_ms)
        return asked_ms;
    for (uint32_t i = 1; i < attempt && ms < retry->max_ms; i++)
        ms *= 2;
    if (ms > retry->max_ms)
        ms = retry->max_ms;
    return (uint32_t)((double)ms * (1 - random * 0.25));
}
