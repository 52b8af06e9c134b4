/* SPDX-License-Identifier: Apache-2.0 */
/* One call to a vendor, by a client that answers as a test wants. */
#include "clock.h"
#include "error.h"
#include "fake_host.h"
#include "refused.h"
#include "unit.h"
#include "vendor.h"

#include <stdio.h>
#include <string.h>

enum { NOW_MS = 1000 };

int64_t __wrap_clock_wall_us(void);
int64_t __wrap_clock_wall_us(void)
{
    return (int64_t)784111777 * 1000000 + NOW_MS * 1000; /* Sun, 06 Nov 1994 08:49:38 GMT */
}

/* What the client answers, and what it was asked. */
static struct script {
    int status;
    const char *headers; /* JSON */
    const char *pieces[8];
    int r; /* at the end of the transfer */

    char url[128], body[256], headers_sent[1024];
    struct ein_fetch asked;
} script;

static int fetch(struct ein_ctx *ctx, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err)
{
    EIN_JSON json_t *headers = json_loads(script.headers ? script.headers : "{}", 0, NULL);

    script.asked = *what;
    (void)snprintf(script.url, sizeof(script.url), "%s %s", what->method, what->url);
    (void)snprintf(script.body, sizeof(script.body), "%.*s", (int)what->body_len,
                   what->body ? (const char *)what->body : "");
    for (const char *const *line = what->headers; *line; line++) {
        size_t len = strlen(script.headers_sent);
        (void)snprintf(script.headers_sent + len, sizeof(script.headers_sent) - len, "%s\n", *line);
    }
    if (script.status && what->on_head(what->data, script.status, headers) != 0)
        return error_set(err, EIN_E_CANCELLED, "stopped by the receiver");
    for (size_t i = 0; script.status && script.pieces[i]; i++) {
        if (what->on_data(what->data, script.pieces[i], strlen(script.pieces[i])) != 0)
            return error_set(err, EIN_E_CANCELLED, "stopped by the receiver");
    }
    if (script.r < 0)
        return error_set(err, script.r, "because of the test");
    assert_null(ret); /* the callbacks are told all of it */
    return 0;
}

static const struct ein_client client = { .struct_size = sizeof(client), .fetch = fetch };

struct answer {
    struct ein_llm_outcome outcome;
    struct ein_error err;
    char seen[512];
    int r;
};

static void note(struct answer *answer, const char *name, const json_t *json)
{
    EIN_FREE char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("end");
    size_t len = strlen(answer->seen);

    (void)snprintf(answer->seen + len, sizeof(answer->seen) - len, "%s%s%s|", name ? name : "",
                   name ? "=" : "", text);
}

static int on_event(void *data, const char *event, json_t *json, struct ein_error *err)
{
    note(data, event, json);
    if (!json)
        return VENDOR_END;
    return json_is_true(json) ? VENDOR_MAY_END : 0;
}

static int on_whole(void *data, json_t *json, struct ein_error *err)
{
    note(data, "whole", json);
    return 0;
}

static void classify(void *data, struct vendor_failure *failure)
{
    const json_t *error = json_object_get(failure->body, "error");

    if (error)
        failure->words = json_string_value(json_object_get(error, "message"));
}

static struct fake_host *host;
static struct vendor vendor;
static const char *key = "secret-1";

static struct answer run(const struct script *wanted, enum vendor_framing framing)
{
    struct answer answer = { .outcome = { .struct_size = sizeof(answer.outcome) } };
    char line[] = "Authorization: Bearer secret-1";
    const struct vendor_headers headers = { { line }, 1 };
    EIN_JSON json_t *body = json_pack("{s:i}", "n", 1);
    const struct vendor_call call = {
        .path = "/chat",
        .headers = &headers,
        .secret = key,
        .body = &body,
        .framing = framing,
        .on_event = on_event,
        .on_whole = on_whole,
        .classify = classify,
        .data = &answer,
    };

    script = *wanted;
    answer.r = vendor_run(&vendor, &call, &answer.outcome, &answer.err);
    assert_null(body);
    return answer;
}

static int set_up(void **state)
{
    struct ein_error err = { 0 };
    static json_t *settings;

    host = fake_host_new();
    host->table.client = &client;
    settings = json_loads("{\"title\": \"Acme\", \"base_url\": \"https://acme.test/v1//\","
                          "\"api_key_env\": \"\", \"headers\": {\"X-Own\": \"yes\"},"
                          "\"reply_max_bytes\": 2000, \"event_max_bytes\": 50, \"idle_ms\": 7}",
                          0, NULL);
    assert_int_equal(vendor_init(&vendor, &host->table, fake_host_ctx(host), settings, &err), 0);
    *state = settings;
    return 0;
}

static int tear_down(void **state)
{
    vendor_done(&vendor);
    json_decref(*state);
    fake_host_free(host);
    return 0;
}

/* ---- requests ---- */

static void test_request(void **state)
{
    run(&(struct script){ .status = 200, .pieces = { "data: true\n\n" } }, VENDOR_SSE);
    assert_string_equal(script.url, "POST https://acme.test/v1/chat");
    assert_string_equal(script.body, "{\"n\":1}");
    assert_string_equal(script.headers_sent, "Accept: application/json\n"
                                             "Content-Type: application/json\nX-Own: yes\n"
                                             "Authorization: Bearer secret-1\n");
    assert_int_equal(script.asked.idle_ms, 7);
    assert_int_equal(script.asked.egress, EIN_EGRESS_OPERATOR);
    assert_int_equal(script.asked.max_bytes, 2000);
}

static void test_settings(void **state)
{
    EIN_JSON json_t *no_url = json_pack("{s:s}", "base_url", "ftp://x");
    EIN_JSON json_t *bad_header =
        json_pack("{s:s, s:{s:s}}", "base_url", "http://x", "headers", "A", "b\r\nC: d");
    struct ein_error err = { 0 };
    struct vendor other;

    assert_int_equal(vendor_init(&other, &host->table, NULL, no_url, &err), EIN_E_INVALID);
    assert_int_equal(vendor_init(&other, &host->table, NULL, bad_header, &err), EIN_E_INVALID);
}

/* ---- answers ---- */

static void test_streams(void **state)
{
    struct answer a;

    a = run(&(struct script){ .status = 200,
                              .headers = "{\"x-request-id\": \"req_1\"}",
                              .pieces = { ": hi\n\nevent: e\nda", "ta: [1]\n\ndata: [DONE]\n\n",
                                          "data: not JSON\n\n" } },
            VENDOR_SSE);
    assert_int_equal(a.r, 0);
    assert_string_equal(a.seen, "e=[1]|message=end|");
    assert_string_equal(a.outcome.vendor_request_id, "req_1");
    assert_int_equal(a.outcome.vendor_status, 200);

    a = run(&(struct script){ .status = 200, .pieces = { "[1]\n\ntr", "ue" } }, VENDOR_LINES);
    assert_int_equal(a.r, 0);
    assert_string_equal(a.seen, "[1]|true|");

    a = run(&(struct script){ .status = 200, .pieces = { "data: true\n\n" } }, VENDOR_SSE);
    assert_int_equal(a.r, 0);

    a = run(
        &(struct script){ .status = 200, .pieces = { "data: [DONE]\n\n" }, .r = EIN_E_UNAVAILABLE },
        VENDOR_SSE);
    assert_int_equal(a.r, 0); /* what comes after the end does not matter */
}

static void test_whole(void **state)
{
    struct answer a = run(&(struct script){ .status = 200,
                                            .headers = "{\"content-type\": \"application/json\"}",
                                            .pieces = { "{\"a\"", ":1}" } },
                          VENDOR_SSE);

    assert_int_equal(a.r, 0);
    assert_string_equal(a.seen, "whole={\"a\":1}|");
    a = run(&(struct script){ .status = 200, .pieces = { " \n", "\t[1", "]" } }, VENDOR_SSE);
    assert_string_equal(a.seen, "whole=[1]|");
    a = run(&(struct script){ .status = 200,
                              .headers = "{\"content-type\": \"application/json\"}",
                              .pieces = { "\r\n", "data: true\n\n" } },
            VENDOR_SSE);
    assert_string_equal(a.seen, "message=true|");
    a = run(&(struct script){ .status = 200, .pieces = { "[]" } }, VENDOR_JSON);
    assert_string_equal(a.seen, "whole=[]|");
}

static void expect_fault(const struct answer *a, int fault, int code, const char *text)
{
    assert_string_equal(a->err.text, text);
    assert_int_equal(a->outcome.fault, fault);
    assert_int_equal(a->r, code);
    assert_int_equal(a->err.code, code);
}

static void test_broken_streams(void **state)
{
    struct answer a;

    a = run(&(struct script){ .status = 200, .pieces = { "data: [1]\n\ndata: [" } }, VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "the answer of Acme broke off before its end");
    a = run(&(struct script){ .status = 200, .pieces = { "data: [1\n\n" } }, VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "Acme sent something that is not JSON");
    a = run(&(struct script){ .status = 200, .pieces = { "data: 1\n\n" }, .r = EIN_E_UNAVAILABLE },
            VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "the answer of Acme broke off: because of the test");
    a = run(&(struct script){ .status = 200, .pieces = { "data: 1\n\n" }, .r = EIN_E_TIMEOUT },
            VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_TIMEOUT,
                 "Acme does not answer in time: because of the test");
    a = run(
        &(struct script){ .status = 200,
                          .pieces = { "data: 12345678901234567890123456789012345678901234567" } },
        VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "Acme sent an event of more than 50 bytes");
    a = run(&(struct script){ .status = 200, .headers = "{\"content-type\": \"text/html\"}" },
            VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "Acme sent a page of HTML instead of an answer");
    a = run(&(struct script){ .status = 307, .headers = "{\"location\": \"/v2\"}" }, VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "Acme redirects to another address (307), which its base_url should name");
}

static void test_no_answer(void **state)
{
    struct answer a = run(&(struct script){ .r = EIN_E_UNAVAILABLE }, VENDOR_SSE);

    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_UNAVAILABLE,
                 "Acme cannot be reached: because of the test");
    a = run(&(struct script){ .r = EIN_E_TIMEOUT }, VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_UNREACHABLE, EIN_E_TIMEOUT,
                 "Acme does not answer in time: because of the test");
    a = run(&(struct script){ .r = EIN_E_CANCELLED }, VENDOR_SSE);
    expect_fault(&a, EIN_LLM_FAULT_NONE, EIN_E_CANCELLED, "the call was cancelled");
}

/* ---- failures ---- */

static void test_failures(void **state)
{
    static const struct {
        int status, fault, code;
        const char *headers, *body, *text;
    } cases[] = {
        { 401, EIN_LLM_FAULT_BAD_KEY, EIN_E_DENIED, NULL,
          "{\"error\":{\"message\":\"bad key secret-1!\"}}",
          "Acme does not accept the key (401): bad key ...!" },
        { 402, EIN_LLM_FAULT_NO_CREDIT, EIN_E_DENIED, NULL, "",
          "Acme says that there is no credit left (402)" },
        { 429, EIN_LLM_FAULT_RATE_LIMIT, EIN_E_BUSY, NULL, "slow\ndown",
          "Acme takes no more requests for now (429): slow down" },
        { 429, EIN_LLM_FAULT_NO_CREDIT, EIN_E_DENIED, "{\"x-should-retry\": \"false\"}", "",
          "Acme says that there is no credit left (429)" },
        { 400, EIN_LLM_FAULT_OVERLOADED, EIN_E_UNAVAILABLE, "{\"x-should-retry\": \"true\"}", "",
          "Acme is overloaded (400)" },
        { 500, EIN_LLM_FAULT_BAD_REQUEST, EIN_E_INVALID, "{\"x-should-retry\": \"false\"}", "",
          "Acme does not take the request (500)" },
        { 529, EIN_LLM_FAULT_OVERLOADED, EIN_E_UNAVAILABLE, NULL, "<html>Bad gateway",
          "Acme is overloaded (529)" },
        { 413, EIN_LLM_FAULT_CONTEXT_TOO_LONG, EIN_E_TOO_LARGE, NULL, "",
          "Acme finds the conversation too long (413)" },
        { 400, EIN_LLM_FAULT_CONTEXT_TOO_LONG, EIN_E_TOO_LARGE, NULL, "prompt is too long: 9 > 8",
          "Acme finds the conversation too long (400): prompt is too long: 9 > 8" },
        { 404, EIN_LLM_FAULT_BAD_REQUEST, EIN_E_INVALID, NULL,
          "{\"error\":{\"message\":\"Bearer abc\"}}",
          "Acme does not take the request (404): [REDACTED:key]" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer a = run(&(struct script){ .status = cases[i].status,
                                                .headers = cases[i].headers,
                                                .pieces = { cases[i].body } },
                              VENDOR_SSE);

        expect_fault(&a, cases[i].fault, cases[i].code, cases[i].text);
        assert_int_equal(a.outcome.vendor_status, cases[i].status);
    }
}

static void test_long_words(void **state)
{
    char words[400];
    struct answer a;

    for (size_t i = 0; i < sizeof(words) - 1; i += 3)
        memcpy(words + i, "\xe2\x82\xac", 3);
    words[sizeof(words) - 1] = '\0';
    a = run(&(struct script){ .status = 400, .pieces = { words } }, VENDOR_SSE);
    assert_int_equal(strlen(a.err.text),
                     strlen("Acme does not take the request (400): ") + 159 + 3);
}

/* A user's key is what they like to put there. */
static void test_short_keys(void **state)
{
    static const struct {
        const char *key, *said, *shown;
    } cases[] = {
        { ".", "no key: .", "no key: ." },
        { "...", "no key: ...", "no key: ..." },
        { "....", "no key: .....", "no key: ...." },
        { "ab", "no key: ab", "no key: .." },
    };
    char text[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        key = cases[i].key;
        (void)snprintf(text, sizeof(text), "Acme does not accept the key (401): %s",
                       cases[i].shown);
        struct answer a =
            run(&(struct script){ .status = 401, .pieces = { cases[i].said } }, VENDOR_SSE);
        expect_fault(&a, EIN_LLM_FAULT_BAD_KEY, EIN_E_DENIED, text);
    }
    key = "secret-1";
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *headers;
        uint32_t ms;
    } cases[] = {
        { "{}", 0 },
        { "{\"retry-after-ms\": \"1500.2\", \"retry-after\": \"9\"}", 1501 },
        { "{\"retry-after-ms\": \"soon\", \"retry-after\": \"9\"}", 9000 },
        { "{\"retry-after\": \"0.25\"}", 250 },
        { "{\"retry-after\": \"-3\"}", 0 },
        { "{\"retry-after\": \"99999999999\"}", VENDOR_RETRY_MAX_MS },
        { "{\"retry-after\": \"Sun, 06 Nov 1994 08:49:47 GMT\"}", 9000 },
        { "{\"retry-after\": \"Sunday, 06-Nov-94 08:49:47 GMT\"}", 9000 },
        { "{\"retry-after\": \"Sun Nov  6 08:49:47 1994\"}", 9000 },
        { "{\"retry-after\": \"Sun, 06 Nov 1994 08:40:00 GMT\"}", 0 },
        { "{\"retry-after\": \"tomorrow\"}", 0 },
        /* Our clock is an hour late; theirs says what they mean. */
        { "{\"retry-after\": \"Sun, 06 Nov 1994 09:49:47 GMT\","
          "\"date\": \"Sun, 06 Nov 1994 09:49:40 GMT\"}",
          7000 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer a =
            run(&(struct script){ .status = 429, .headers = cases[i].headers }, VENDOR_SSE);
        assert_int_equal(a.outcome.retry_after_ms, cases[i].ms);
    }
}

/* ---- parts ---- */

static void expect_json(const char *text, const char *expected)
{
    EIN_JSON json_t *json = vendor_json(text, strlen(text));

    if (!expected) {
        assert_null(json);
        return;
    }
    assert_non_null(json);
    assert_string_equal(json_string_value(json), expected);
}

static void test_json(void **state)
{
    expect_json("\"a\\u0000b\"", "a\xef\xbf\xbd"
                                 "b");
    expect_json("\"a\\\\u0000\"", "a\\u0000");
    expect_json("\"\\ud83d\"", "\xef\xbf\xbd");
    expect_json("\"\\ud83d\\u0041\\ude00\"", "\xef\xbf\xbd"
                                             "A\xef\xbf\xbd");
    expect_json("\"\\ud83d\\ude00\\ud83d\"", "\xf0\x9f\x98\x80\xef\xbf\xbd");
    expect_json("\"\xe2\x82\"", "\xef\xbf\xbd\xef\xbf\xbd");
    expect_json("\"\xff\xc3\xa9\"", "\xef\xbf\xbd\xc3\xa9");
    expect_json("\"\\u00", NULL);
    expect_json("{\"a\":1,\"a\":2}", NULL);
    expect_json("", NULL);
}

static void test_deep_json(void **state)
{
    char text[2 * VENDOR_DEPTH_MAX + 3];

    memset(text, '[', VENDOR_DEPTH_MAX + 1);
    memset(text + VENDOR_DEPTH_MAX + 1, ']', VENDOR_DEPTH_MAX + 1);
    text[sizeof(text) - 1] = '\0';
    assert_null(vendor_json(text, sizeof(text) - 1));
}

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    note(data, NULL, piece->data);
    return 0;
}

static void test_tool_calls(void **state)
{
    struct answer a = { .outcome = { .struct_size = sizeof(a.outcome) } };
    const struct vendor_sink sink = { take_piece, &a };

    assert_int_equal(vendor_tool_call(&vendor, &sink, "1", "f", "{\"x\":2}", &a.outcome, &a.err),
                     0);
    assert_int_equal(vendor_tool_call(&vendor, &sink, "2", "g", "", &a.outcome, &a.err), 0);
    assert_string_equal(a.seen, "{\"id\":\"1\",\"name\":\"f\",\"arguments\":{\"x\":2}}|"
                                "{\"id\":\"2\",\"name\":\"g\",\"arguments\":{}}|");
    a.r = vendor_tool_call(&vendor, &sink, "3", NULL, "{}", &a.outcome, &a.err);
    expect_fault(&a, EIN_LLM_FAULT_OVERLOADED, EIN_E_UNAVAILABLE,
                 "Acme sent a tool call that is not JSON");
    a.r = vendor_tool_call(&vendor, &sink, "3", "h", "{\"x\":", &a.outcome, &a.err);
    expect_fault(&a, EIN_LLM_FAULT_OVERLOADED, EIN_E_UNAVAILABLE,
                 "Acme sent a tool call that is not JSON");
}

static void test_keys(void **state)
{
    struct answer a = { .outcome = { .struct_size = sizeof(a.outcome) } };
    const char *found = NULL;

    a.r = vendor_key(&vendor, &(struct ein_llm_call){ 0 }, &found, &a.outcome, &a.err);
    expect_fault(&a, EIN_LLM_FAULT_BAD_KEY, EIN_E_DENIED,
                 "There is no key for Acme: neither the caller nor this server has one");
    a.r =
        vendor_key(&vendor, &(struct ein_llm_call){ .api_key = "k\n" }, &found, &a.outcome, &a.err);
    expect_fault(&a, EIN_LLM_FAULT_BAD_KEY, EIN_E_DENIED,
                 "the key for Acme has characters that no key has");
    assert_int_equal(
        vendor_key(&vendor, &(struct ein_llm_call){ .api_key = "k" }, &found, &a.outcome, &a.err),
        0);
    assert_string_equal(found, "k");
}

static void test_older_tables(void **state)
{
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome),
                                       .fault = 5,
                                       .vendor_cost = 9 };
    struct ein_llm_outcome old = { .struct_size = offsetof(struct ein_llm_outcome, vendor_cost) };
    struct ein_llm_call call = { .struct_size = offsetof(struct ein_llm_call, tool_choice),
                                 .model = "m",
                                 .user_id = "u" };
    struct ein_llm_call read;

    vendor_give_outcome(&outcome, &old);
    assert_int_equal(old.fault, 5);
    assert_int_equal(old.vendor_cost, 0);
    vendor_read_call(&call, &read);
    assert_string_equal(read.model, "m");
    assert_null(read.user_id);
}

static void test_counts(void **state)
{
    EIN_JSON json_t *json =
        json_pack("{s:i, s:s, s:i, s:n, s:f}", "a", 7, "b", "12", "c", -4, "d", "e", 3.0);

    assert_int_equal(vendor_count(json, "a"), 7);
    assert_int_equal(vendor_count(json, "b"), 12);
    assert_int_equal(vendor_count(json, "c"), 0);
    assert_int_equal(vendor_count(json, "d"), 0);
    assert_int_equal(vendor_count(json, "e"), 3);
    assert_int_equal(vendor_count(json, "f"), 0);
}

static void test_what_is_refused_is_remembered_for_a_while(void **state)
{
    EIN_JSON json_t *config = json_pack("{s:i}", "refused_s", 60);
    struct refused *refused = NULL;
    char model[16];
    unsigned known = 0;

    assert_int_equal(refused_new(config, &refused, NULL), 0);
    refused_add(refused, NULL, "m", "stream");
    assert_true(refused_has(refused, NULL, "m", "stream"));
    assert_false(refused_has(refused, "k", "m", "stream"));
    assert_false(refused_has(refused, NULL, "n", "stream"));
    assert_false(refused_has(refused, NULL, "m", "summary"));
    clock_skip_ms(60000);
    assert_false(refused_has(refused, NULL, "m", "stream"));

    for (unsigned i = 0; i < 10 * REFUSED_MAX; i++) {
        (void)snprintf(model, sizeof(model), "m%u", i);
        refused_add(refused, "k", model, "stream");
        assert_true(refused_has(refused, "k", model, "stream"));
    }
    for (unsigned i = 0; i < 10 * REFUSED_MAX; i++) {
        (void)snprintf(model, sizeof(model), "m%u", i);
        known += refused_has(refused, "k", model, "stream");
    }
    assert_in_range(known, REFUSED_MAX / 2, REFUSED_MAX);
    refused_free(refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_broken_streams),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_short_keys),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_deep_json),
        cmocka_unit_test(test_tool_calls),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_older_tables),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_what_is_refused_is_remembered_for_a_while),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
