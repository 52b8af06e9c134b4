/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "error.h"
#include "member.h"
#include "str.h"
#include "vendor.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What each fault is called, in our words. */
static const struct {
    int fault, code;
    const char *text; /* after the vendor's title */
} faults[] = {
    { EIN_LLM_FAULT_BAD_KEY, EIN_E_DENIED, "does not accept the key" },
    { EIN_LLM_FAULT_NO_CREDIT, EIN_E_DENIED, "says that there is no credit left" },
    { EIN_LLM_FAULT_RATE_LIMIT, EIN_E_BUSY, "takes no more requests for now" },
    { EIN_LLM_FAULT_CONTEXT_TOO_LONG, EIN_E_TOO_LARGE, "finds the conversation too long" },
    { EIN_LLM_FAULT_REFUSED, EIN_E_INVALID, "refuses to answer this" },
    { EIN_LLM_FAULT_OVERLOADED, EIN_E_UNAVAILABLE, "is overloaded" },
    { EIN_LLM_FAULT_BAD_REQUEST, EIN_E_INVALID, "does not take the request" },
    { EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE, "cannot be reached" },
};
enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

/* The error code that goes with a fault. */
static int code_of(int fault)
{
    for (size_t i = 0; i < FAULTS; i++) {
        if (faults[i].fault == fault)
            return faults[i].code;
    }
    return EIN_E_INTERNAL;
}

static const char *fault_text(int fault)
{
    for (size_t i = 0; i < FAULTS; i++) {
        if (faults[i].fault == fault)
            return faults[i].text;
    }
    return "fails";
}

int vendor_fault(struct ein_llm_outcome *outcome, int fault, struct ein_error *err, const char *fmt,
                 ...)
{
    struct ein_error text = { 0 };
    va_list args;

    outcome->fault = fault;
    va_start(args, fmt);
    (void)vsnprintf(text.text, sizeof(text.text), fmt, args);
    va_end(args);
    return error_set(err, code_of(fault), "%s", text.text);
}

/* ---- statuses and delays ---- */

int vendor_fault_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return EIN_LLM_FAULT_BAD_KEY;
    case 402:
        return EIN_LLM_FAULT_NO_CREDIT;
    case 408:
    case 409:
        return EIN_LLM_FAULT_OVERLOADED;
    case 413:
        return EIN_LLM_FAULT_CONTEXT_TOO_LONG;
    case 429:
        return EIN_LLM_FAULT_RATE_LIMIT;
    default:
        return status >= 500 ? EIN_LLM_FAULT_OVERLOADED : EIN_LLM_FAULT_BAD_REQUEST;
    }
}

/* The three forms of RFC 9110, 5.6.7; all are in GMT. */
static bool read_date(const char *text, int64_t *ret_s)
{
    static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S", "%A, %d-%b-%y %H:%M:%S",
                                         "%a %b %d %H:%M:%S %Y" };

    for (size_t i = 0; text && i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = { 0 };

        if (strptime(text, forms[i], &tm)) {
            *ret_s = timegm(&tm);
            return true;
        }
    }
    return false;
}

static bool read_number(const char *text, double *ret_number)
{
    char *end;

    if (!text || !isdigit((unsigned char)*text))
        return false;
    *ret_number = strtod(text, &end);
    return *end == '\0' && isfinite(*ret_number);
}

static uint32_t clamp_ms(double ms)
{
    if (ms <= 0)
        return 0;
    return ms < VENDOR_RETRY_MAX_MS ? (uint32_t)ceil(ms) : VENDOR_RETRY_MAX_MS;
}

uint32_t vendor_retry_after(const json_t *headers)
{
    const char *after = text_of(headers, "retry-after");
    double number;
    int64_t until_s, date_s;

    if (read_number(text_of(headers, "retry-after-ms"), &number))
        return clamp_ms(number);
    if (read_number(after, &number))
        return clamp_ms(number * 1000);
    if (!read_date(after, &until_s))
        return 0;
    /* The vendor's own clock, if it says what that shows: ours may be wrong, or be set meanwhile.
     */
    if (read_date(text_of(headers, "date"), &date_s))
        return clamp_ms((double)(until_s - date_s) * 1000);
    return clamp_ms((double)until_s * 1000 - (double)clock_wall_ms());
}

/* Do the vendor's words say that the conversation is too long? */
static bool is_too_long(const char *words)
{
    static const char *const phrases[] = {
        "context_length_exceeded",  "context length",
        "context window",           "context limit",
        "prompt is too long",       "input is too long",
        "too many tokens",          "input token count",
        "maximum number of tokens", "exceeds the available context size",
    };

    for (size_t i = 0; words && i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (strcasestr(words, phrases[i]))
            return true;
    }
    return false;
}

/* ---- the sentence ---- */

/* The key in words that quote it becomes "...", or as much of that as it is long. */
static void hide(char *words, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0, shown = len < 3 ? len : 3;

    for (char *at = words; len && (at = strstr(at, secret)); at += shown) {
        memcpy(at, "...", shown);
        memmove(at + shown, at + len, strlen(at + len) + 1);
    }
}

/* One line of it, short, between characters; free(). */
static char *shorten(const struct vendor *vendor, const char *words, const char *secret)
{
    EIN_FREE char *line = strdup(words);
    char *safe, *text;
    size_t len;

    if (!line)
        return NULL;
    hide(line, secret);
    safe = vendor->host->redact(line);
    if (!safe)
        return NULL;
    len = (size_t)str_cut(safe, VENDOR_WORDS_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)safe[i] < ' ' || safe[i] == 0x7f)
            safe[i] = ' ';
    while (len && safe[len - 1] == ' ')
        len--;
    text = str_print("%.*s%s", (int)len, safe, strlen(safe) > VENDOR_WORDS_MAX ? "..." : "");
    vendor->host->mem_free(safe);
    return text;
}

/* A page of a proxy tells nobody anything. */
static bool is_worth_saying(const char *words)
{
    if (!words)
        return false;
    words += strspn(words, " \t\r\n");
    return *words && *words != '<';
}

/* The official clients look at this header first.  It says whether the same request may fare better
 * another time. */
static int heed_should_retry(const struct vendor_failure *failure)
{
    const char *said = text_of(failure->headers, "x-should-retry");
    int fault = failure->fault;
    bool again = fault == EIN_LLM_FAULT_RATE_LIMIT || fault == EIN_LLM_FAULT_OVERLOADED ||
                 fault == EIN_LLM_FAULT_UNREACHABLE;

    if (said && strcmp(said, "true") == 0 && !again)
        return fault == EIN_LLM_FAULT_BAD_REQUEST ? EIN_LLM_FAULT_OVERLOADED : fault;
    if (said && strcmp(said, "false") == 0 && again)
        return fault == EIN_LLM_FAULT_RATE_LIMIT ? EIN_LLM_FAULT_NO_CREDIT
                                                 : EIN_LLM_FAULT_BAD_REQUEST;
    return fault;
}

int vendor_fail(const struct vendor *vendor, const struct vendor_failure *failure,
                const char *secret, struct ein_llm_outcome *outcome, struct ein_error *err)
{
    EIN_FREE char *words = NULL;
    char number[16] = "";
    int fault = heed_should_retry(failure);

    if (fault == EIN_LLM_FAULT_BAD_REQUEST && is_too_long(failure->words))
        fault = EIN_LLM_FAULT_CONTEXT_TOO_LONG;
    if (is_worth_saying(failure->words))
        words = shorten(vendor, failure->words, secret);
    if (failure->status)
        (void)snprintf(number, sizeof(number), " (%d)", failure->status);
    if (failure->retry_after_ms)
        outcome->retry_after_ms = failure->retry_after_ms;
    return vendor_fault(outcome, fault, err, "%s %s%s%s%s", vendor->title, fault_text(fault),
                        number, words && *words ? ": " : "", words ? words : "");
}
