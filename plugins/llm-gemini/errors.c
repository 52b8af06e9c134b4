/* SPDX-License-Identifier: Apache-2.0 */
/* What google.rpc.Status and its details mean.  A bad key is a bad argument to Google, and the
 * same sentence tells that a minute's requests are spent and that a day's are. */
#include "gemini.h"
#include "member.h"

#include <math.h>
#include <string.h>

static bool contains(const char *text, const char *part)
{
    return text && strcasestr(text, part);
}

/* The detail of the type that ends so: "ErrorInfo"; NULL: there is none. */
static const json_t *detail_of(const json_t *error, const char *type)
{
    const json_t *detail;
    size_t at;

    json_array_foreach(json_object_get(error, "details"), at, detail)
    {
        const char *name = text_of(detail, "@type");
        const char *dot = name ? strrchr(name, '.') : NULL;

        if (dot && strcmp(dot + 1, type) == 0)
            return detail;
    }
    return NULL;
}

/* "34s", "1.5s". */
static uint32_t delay_ms(const json_t *error)
{
    const char *text = text_of(detail_of(error, "RetryInfo"), "retryDelay");
    double seconds = text ? strtod(text, NULL) : 0;

    if (!(seconds > 0))
        return 0;
    return seconds * 1000 < VENDOR_RETRY_MAX_MS ? (uint32_t)ceil(seconds * 1000)
                                                : VENDOR_RETRY_MAX_MS;
}

/* A quota that is none, or that of a day, is not there again when the next request is. */
static bool is_spent(const json_t *error)
{
    const json_t *violations = json_object_get(detail_of(error, "QuotaFailure"), "violations");
    const json_t *violation;
    size_t at;

    json_array_foreach(violations, at, violation)
    {
        const char *value = text_of(violation, "quotaValue");

        if (contains(text_of(violation, "quotaId"), "PerDay") || (value && strcmp(value, "0") == 0))
            return true;
    }
    return contains(text_of(error, "message"), "credits are depleted");
}

static int fault_of_argument(const json_t *error, int otherwise)
{
    const char *reason = text_of(detail_of(error, "ErrorInfo"), "reason");
    const char *words = text_of(error, "message");

    if (contains(reason, "API_KEY") || contains(words, "API key not valid") ||
        contains(words, "API key expired"))
        return EIN_LLM_FAULT_BAD_KEY;
    if (contains(reason, "BILLING") || contains(words, "enable billing"))
        return EIN_LLM_FAULT_NO_CREDIT;
    return otherwise;
}

void gemini_classify(void *data, struct vendor_failure *failure)
{
    const json_t *body =
        json_is_array(failure->body) ? json_array_get(failure->body, 0) : failure->body;
    const json_t *error = json_object_get(body, "error");
    uint32_t delay = delay_ms(error);

    (void)data;
    failure->words = json_is_string(error) ? json_string_value(error) : text_of(error, "message");
    if (delay)
        failure->retry_after_ms = delay;
    if (failure->status == 400 || failure->status == 403)
        failure->fault = fault_of_argument(error, failure->fault);
    else if (failure->status == 429 && is_spent(error))
        failure->fault = EIN_LLM_FAULT_NO_CREDIT;
    else if (failure->status == 499) /* Google itself gave up */
        failure->fault = EIN_LLM_FAULT_OVERLOADED;
}
