/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "member.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *type;
    int fault;
} types[] = {
    { "authentication_error", EIN_LLM_FAULT_BAD_KEY },
    { "permission_error", EIN_LLM_FAULT_BAD_KEY },
    { "billing_error", EIN_LLM_FAULT_NO_CREDIT },
    { "rate_limit_error", EIN_LLM_FAULT_RATE_LIMIT },
    { "request_too_large", EIN_LLM_FAULT_CONTEXT_TOO_LONG },
    { "invalid_request_error", EIN_LLM_FAULT_BAD_REQUEST },
    { "not_found_error", EIN_LLM_FAULT_BAD_REQUEST },
    { "conflict_error", EIN_LLM_FAULT_OVERLOADED },
    { "timeout_error", EIN_LLM_FAULT_OVERLOADED },
    { "api_error", EIN_LLM_FAULT_OVERLOADED },
    { "overloaded_error", EIN_LLM_FAULT_OVERLOADED },
};

static int64_t seconds_of(const json_t *headers, const char *name, const char *form)
{
    const char *text = json_string_value(json_object_get(headers, name));
    struct tm tm = { 0 };

    return text && strptime(text, form, &tm) ? timegm(&tm) : 0;
}

/* Without a retry-after: until the last of the limits that are used up is reset. */
static uint32_t until_reset(const json_t *headers)
{
    static const char *const limits[] = { "requests", "tokens", "input-tokens", "output-tokens" };
    int64_t now = seconds_of(headers, "date", "%a, %d %b %Y %H:%M:%S"), last = 0;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        char name[64];
        int64_t reset;

        (void)snprintf(name, sizeof(name), "anthropic-ratelimit-%s-remaining", limits[i]);
        if (strcmp(text_or_empty(headers, name), "0") != 0)
            continue;
        (void)snprintf(name, sizeof(name), "anthropic-ratelimit-%s-reset", limits[i]);
        reset = seconds_of(headers, name, "%Y-%m-%dT%H:%M:%SZ");
        last = reset > last ? reset : last;
    }
    last -= now ? now : clock_wall_ms() / 1000;
    if (last <= 0)
        return 0;
    return last < VENDOR_RETRY_MAX_MS / 1000 ? (uint32_t)last * 1000 : VENDOR_RETRY_MAX_MS;
}

void anthropic_classify(void *data, struct vendor_failure *failure)
{
    const json_t *error = json_object_get(failure->body, "error");
    const char *type = text_or_empty(error, "type");

    (void)data;
    if (*text_or_empty(error, "message"))
        failure->words = text_or_empty(error, "message");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].type, type) == 0)
            failure->fault = types[i].fault;
    if (failure->words && strcasestr(failure->words, "credit balance is too low"))
        failure->fault = EIN_LLM_FAULT_NO_CREDIT;
    if (failure->words && strcasestr(failure->words, "content filtering policy"))
        failure->fault = EIN_LLM_FAULT_REFUSED;
    if (failure->fault == EIN_LLM_FAULT_RATE_LIMIT && failure->retry_after_ms == 0)
        failure->retry_after_ms = until_reset(failure->headers);
}
