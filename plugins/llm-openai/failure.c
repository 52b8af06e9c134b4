/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of OpenAI and of those that speak like it. */
#include "member.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Values of error.code, error.type and metadata.error_type. */
static const struct {
    const char *name;
    int fault;
} names[] = {
    { "insufficient_quota", EIN_LLM_FAULT_NO_CREDIT },
    { "insufficient_credits", EIN_LLM_FAULT_NO_CREDIT },
    { "insufficient_balance", EIN_LLM_FAULT_NO_CREDIT },
    { "billing_hard_limit_reached", EIN_LLM_FAULT_NO_CREDIT },
    { "billing_not_active", EIN_LLM_FAULT_NO_CREDIT },
    { "payment_required", EIN_LLM_FAULT_NO_CREDIT },
    { "invalid_api_key", EIN_LLM_FAULT_BAD_KEY },
    { "account_deactivated", EIN_LLM_FAULT_BAD_KEY },
    { "authentication_error", EIN_LLM_FAULT_BAD_KEY },
    { "authentication", EIN_LLM_FAULT_BAD_KEY },
    { "permission_denied", EIN_LLM_FAULT_BAD_KEY },
    { "context_length_exceeded", EIN_LLM_FAULT_CONTEXT_TOO_LONG },
    { "max_tokens_exceeded", EIN_LLM_FAULT_CONTEXT_TOO_LONG },
    { "token_limit_exceeded", EIN_LLM_FAULT_CONTEXT_TOO_LONG },
    { "string_too_long", EIN_LLM_FAULT_CONTEXT_TOO_LONG },
    { "string_above_max_length", EIN_LLM_FAULT_CONTEXT_TOO_LONG },
    { "content_policy_violation", EIN_LLM_FAULT_REFUSED },
    { "image_content_policy_violation", EIN_LLM_FAULT_REFUSED },
    { "content_filter", EIN_LLM_FAULT_REFUSED },
    { "moderation_blocked", EIN_LLM_FAULT_REFUSED },
    { "invalid_prompt", EIN_LLM_FAULT_REFUSED },
    { "bio_policy", EIN_LLM_FAULT_REFUSED },
    { "cyber_policy", EIN_LLM_FAULT_REFUSED },
    { "rate_limit_exceeded", EIN_LLM_FAULT_RATE_LIMIT },
    { "rate_limit_error", EIN_LLM_FAULT_RATE_LIMIT },
    { "server_error", EIN_LLM_FAULT_OVERLOADED },
    { "internal_server_error", EIN_LLM_FAULT_OVERLOADED },
    { "api_error", EIN_LLM_FAULT_OVERLOADED },
    { "overloaded_error", EIN_LLM_FAULT_OVERLOADED },
    { "service_unavailable", EIN_LLM_FAULT_OVERLOADED },
    { "slow_down", EIN_LLM_FAULT_OVERLOADED },
    { "provider_overloaded", EIN_LLM_FAULT_OVERLOADED },
    { "provider_unavailable", EIN_LLM_FAULT_OVERLOADED },
    { "vector_store_timeout", EIN_LLM_FAULT_OVERLOADED },
};

static int fault_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].fault;
    }
    return EIN_LLM_FAULT_NONE;
}

/* The object that tells: {"error": {...}}, {"error": "text"}, [{"error": ...}], or itself. */
static const json_t *error_of(const json_t *body)
{
    const json_t *error;

    if (json_is_array(body))
        body = json_array_get(body, 0);
    error = json_object_get(body, "error");
    return json_is_object(error) ? error : body;
}

/* OpenRouter passes on what the model's vendor said, in which the reason is. */
static const char *words_of(const json_t *error)
{
    static const char *const places[] = { "message", "error", "detail" };
    const char *raw = text_of(json_object_get(error, "metadata"), "raw"), *words = NULL;

    if (raw && *raw)
        return raw;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !words; i++)
        words = text_of(error, places[i]);
    return words;
}

static int status_of(const json_t *error)
{
    json_int_t code = json_integer_value(json_object_get(error, "code"));

    return code >= 400 && code < 600 ? (int)code : 0;
}

static bool begins_with(const char *text, const char *begin)
{
    return text && strncasecmp(text, begin, strlen(begin)) == 0;
}

/* The most exact name first. */
static int fault_of(const json_t *error)
{
    const json_t *metadata = json_object_get(error, "metadata");
    const char *words = text_of(error, "message");
    int fault = fault_named(text_of(error, "code"));

    if (fault == EIN_LLM_FAULT_NONE)
        fault = fault_named(text_of(metadata, "error_type"));
    if (fault == EIN_LLM_FAULT_NONE && json_object_get(metadata, "reasons"))
        fault = EIN_LLM_FAULT_REFUSED; /* a moderator's */
    if (fault == EIN_LLM_FAULT_NONE)
        fault = fault_named(text_of(error, "type"));
    /* More than a minute's tokens in one request: no pause helps. */
    if (fault == EIN_LLM_FAULT_RATE_LIMIT && begins_with(words, "Request too large"))
        fault = EIN_LLM_FAULT_CONTEXT_TOO_LONG;
    return fault;
}

/* ---- how long to wait ---- */

/* "1h2m3.5s", "250ms" in milliseconds; 0: it is none. */
static double duration_ms(const char *text)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
    double sum = 0;

    while (text && *text) {
        char *end;
        double number = strtod(text, &end);
        size_t len = 0, i = 0;

        while (i < sizeof(units) / sizeof(units[0]) &&
               strncmp(end, units[i].unit, len = strlen(units[i].unit)) != 0)
            i++;
        if (end == text || !(number >= 0) || i == sizeof(units) / sizeof(units[0]))
            return 0;
        sum += number * units[i].ms;
        text = end + len;
    }
    return sum;
}

/* Where no pause is asked for: when the limit of which nothing is left begins anew. */
static uint32_t reset_ms(const json_t *headers)
{
    static const struct {
        const char *remaining, *reset;
    } limits[] = {
        { "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests" },
        { "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens" },
        { "x-ratelimit-remaining-project-tokens", "x-ratelimit-reset-project-tokens" },
    };
    double longest = 0;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const char *left = text_of(headers, limits[i].remaining);
        double ms =
            left && strcmp(left, "0") == 0 ? duration_ms(text_of(headers, limits[i].reset)) : 0;

        if (ms > longest)
            longest = ms;
    }
    return longest < VENDOR_RETRY_MAX_MS ? (uint32_t)longest : VENDOR_RETRY_MAX_MS;
}

/* ---- all of it ---- */

void openai_classify(void *data, struct vendor_failure *failure)
{
    const json_t *error = error_of(failure->body);
    int fault = fault_of(error);

    (void)data;
    if (failure->body)
        failure->words = words_of(error);
    if (failure->status == 429 && !failure->retry_after_ms)
        failure->retry_after_ms = reset_ms(failure->headers);
    if (fault == EIN_LLM_FAULT_NONE && !failure->status)
        fault = EIN_LLM_FAULT_OVERLOADED;
    /* A status of their own says more than "invalid", "server error", or a type of which a vendor
     * has few. */
    if (fault == EIN_LLM_FAULT_OVERLOADED && failure->status && failure->status < 500)
        return;
    if (fault != EIN_LLM_FAULT_NONE)
        failure->fault = fault;
}

int openai_fail(struct openai_reply *reply, const json_t *body, struct ein_error *err)
{
    int status = status_of(error_of(body));
    struct vendor_failure failure = {
        .status = status,
        .body = body,
        .fault = status ? vendor_fault_of(status) : EIN_LLM_FAULT_NONE,
    };

    openai_classify(reply, &failure);
    return vendor_fail(&reply->openai->vendor, &failure, reply->secret, reply->outcome, err);
}

int openai_garbled(struct openai_reply *reply, struct ein_error *err)
{
    return vendor_fault(reply->outcome, EIN_LLM_FAULT_UNREACHABLE, err,
                        "%s sent an answer that is none", reply->openai->vendor.title);
}
