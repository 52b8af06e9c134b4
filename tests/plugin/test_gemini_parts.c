/* SPDX-License-Identifier: Apache-2.0 */
/* What llm-gemini does without a vendor: requests, and what errors mean. */
#include "gemini.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define SIGNED(bytes)                                                                              \
    "{\"type\":\"thought\",\"replay\":{\"wire\":\"gemini\",\"thoughtSignature\":\"cw==\","         \
    "\"text_bytes\":" bytes "}}"
#define TEXT(text) "{\"type\":\"text\",\"text\":\"" text "\"}"

/* The parts of one message of the assistant. */
static void becomes(const char *model, const char *content, const char *parts)
{
    char text[2048], expected[2048];

    (void)snprintf(text, sizeof(text),
                   "[{\"role\":\"user\",\"content\":\"W?\"},"
                   "{\"role\":\"assistant\",\"content\":[%s]}]",
                   content);
    (void)snprintf(expected, sizeof(expected),
                   "[{\"role\":\"user\",\"parts\":[{\"text\":\"W?\"}]},"
                   "{\"role\":\"model\",\"parts\":[%s]}]",
                   parts);
    EIN_JSON json_t *messages = json_loads(text, 0, NULL), *before = json_deep_copy(messages);
    EIN_JSON json_t *contents = NULL, *system = NULL;
    const struct ein_llm_call call = { .model = model, .messages = messages };

    assert_non_null(messages);
    assert_int_equal(gemini_contents(&call, &contents, &system, NULL), 0);
    EIN_FREE char *got = json_dumps(contents, JSON_COMPACT);
    assert_string_equal(got, expected);
    assert_null(system);
    assert_true(json_equal(messages, before));
}

static void test_signatures_of_text(void **state)
{
    static const char signed_b[] = "{\"text\":\"b\",\"thoughtSignature\":\"cw==\"}";
    static const char alone[] = "{\"text\":\"\",\"thoughtSignature\":\"cw==\"}";
    char parts[256];

    becomes("m", TEXT("b") "," SIGNED("1"), signed_b);
    (void)snprintf(parts, sizeof(parts), "{\"text\":\"a\"},%s", signed_b);
    becomes("m", TEXT("ab") "," SIGNED("1"), parts);
    becomes("m", TEXT("a") "," TEXT("b") "," SIGNED("1"), parts);
    /* Longer than the text, of no length, within a character, of no text. */
    (void)snprintf(parts, sizeof(parts), "{\"text\":\"ab\"},%s", alone);
    becomes("m", TEXT("ab") "," SIGNED("3"), parts);
    becomes("m", TEXT("ab") "," SIGNED("0"), parts);
    becomes("m", TEXT("ab") "," SIGNED("-1"), parts);
    (void)snprintf(parts, sizeof(parts), "{\"text\":\"\u00fc\"},%s", alone);
    becomes("m", TEXT("\u00fc") "," SIGNED("1"), parts);
    becomes("m", SIGNED("1"), alone);
    /* One that has a signature gets no other. */
    (void)snprintf(parts, sizeof(parts), "%s,%s", signed_b, alone);
    becomes("m", TEXT("b") "," SIGNED("1") "," SIGNED("1"), parts);
}

static void test_signatures_of_calls(void **state)
{
    static const char call[] = "{\"type\":\"tool_call\",\"id\":\"1\",\"name\":\"f\"}";
    static const char bare[] = "{\"functionCall\":{\"name\":\"f\",\"args\":{}}}";
    char content[256], parts[512];

    (void)snprintf(content, sizeof(content), "%s,%s", call, call);
    (void)snprintf(parts, sizeof(parts), "%s,%s", bare, bare);
    becomes("gemini-2.5-pro", content, parts);
    (void)snprintf(parts, sizeof(parts),
                   "{\"functionCall\":{\"name\":\"f\",\"args\":{}},\"thoughtSignature\":"
                   "\"skip_thought_signature_validator\"},%s",
                   bare);
    becomes("gemini-3-flash", content, parts);
}

static void thinks(const char *model, const char *parameters, const char *expected)
{
    EIN_JSON json_t *given = json_loads(parameters, 0, NULL), *body = NULL;
    EIN_JSON json_t *messages = json_pack("[{s:s, s:s}]", "role", "user", "content", "Hi");
    const struct ein_llm_call call = { .model = model, .messages = messages, .parameters = given };

    assert_int_equal(gemini_request(&call, &body, NULL), 0);
    EIN_FREE char *got = json_dumps(
        json_object_get(json_object_get(body, "generationConfig"), "thinkingConfig"), JSON_COMPACT);
    assert_string_equal(got ? got : "", expected);
}

static void test_thinking(void **state)
{
    thinks("gemini-2.5-flash", "{}", "");
    thinks("gemini-2.5-flash", "{\"reasoning_effort\":\"none\"}", "{\"thinkingBudget\":0}");
    thinks("gemini-2.5-pro", "{\"reasoning_effort\":\"max\"}",
           "{\"includeThoughts\":true,\"thinkingBudget\":32768}");
    thinks("gemini-3-pro", "{\"reasoning_effort\":\"minimal\"}",
           "{\"includeThoughts\":true,\"thinkingLevel\":\"LOW\"}");
    thinks("gemini-3-flash", "{\"thinking_budget\":0}", "{\"thinkingLevel\":\"MINIMAL\"}");
    thinks("gemini-3-flash", "{\"thinking_budget\":-1}", "{\"includeThoughts\":true}");
    thinks("gemini-2.5-flash", "{\"reasoning_effort\":\"odd\"}", "");
    thinks("gemma-3", "{\"show_thinking\":false}", "");
}

static void means(int status, const char *body, int fault, uint32_t retry_after_ms)
{
    EIN_JSON json_t *json = json_loads(body, 0, NULL);
    struct vendor_failure failure = { .status = status,
                                      .body = json,
                                      .fault = vendor_fault_of(status) };

    assert_non_null(json);
    gemini_classify(NULL, &failure);
    assert_int_equal(failure.fault, fault);
    assert_int_equal(failure.retry_after_ms, retry_after_ms);
}

#define DETAIL(type, member)                                                                       \
    "{\"error\":{\"details\":[{\"@type\":\"type.googleapis.com/google.rpc." type "\"," member "}]" \
    "}}"
#define RETRY(delay) DETAIL("RetryInfo", "\"retryDelay\":\"" delay "\"")

static void test_errors(void **state)
{
    means(429, RETRY("34s"), EIN_LLM_FAULT_RATE_LIMIT, 34000);
    means(429, "[" RETRY("0.0001s") "]", EIN_LLM_FAULT_RATE_LIMIT, 1);
    means(429, RETRY("-5s"), EIN_LLM_FAULT_RATE_LIMIT, 0);
    means(429, RETRY("nans"), EIN_LLM_FAULT_RATE_LIMIT, 0);
    means(429, RETRY("1e300s"), EIN_LLM_FAULT_RATE_LIMIT, VENDOR_RETRY_MAX_MS);
    means(400, DETAIL("ErrorInfo", "\"reason\":\"API_KEY_INVALID\""), EIN_LLM_FAULT_BAD_KEY, 0);
    means(400, DETAIL("ErrorInfo", "\"reason\":\"OTHER\""), EIN_LLM_FAULT_BAD_REQUEST, 0);
    means(429, DETAIL("QuotaFailure", "\"violations\":[{\"quotaId\":\"RequestsPerDay\"}]"),
          EIN_LLM_FAULT_NO_CREDIT, 0);
    means(429, DETAIL("QuotaFailure", "\"violations\":[{\"quotaId\":\"RequestsPerMinute\"}]"),
          EIN_LLM_FAULT_RATE_LIMIT, 0);
    means(503, "[]", EIN_LLM_FAULT_OVERLOADED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures_of_text),
        cmocka_unit_test(test_signatures_of_calls),
        cmocka_unit_test(test_thinking),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("gemini parts", tests, NULL, NULL);
}
