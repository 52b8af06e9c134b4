/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "redact.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_redacted(const char *text, const char *expected)
{
    size_t len;
    char *clean = redact(text, strlen(text), &len), *again;

    assert_string_equal(clean, expected);
    assert_int_equal(len, strlen(expected));
    again = redact(clean, len, NULL);
    assert_string_equal(again, expected);
    free(again);
    free(clean);
}

static void secrets_are_known_by_their_shape(void **state)
{
    static const char *const cases[][2] = {
        { "key sk-abcdEFGH12345678ijkl.", "key [REDACTED:openai_key]." },
        { "sk-proj-abc_DEF-1234567890", "[REDACTED:openai_key]" },
        { "(sk-ant-api03-abcdefghijkl)", "([REDACTED:anthropic_key])" },
        { "sk-or-v1-0123456789abcdef", "[REDACTED:openrouter_key]" },
        { "AIzaSyA1234567890abcdefghijklmnopqrstuv", "[REDACTED:google_key]" },
        { "ghp_abcdefghijklmnopqrst0123", "[REDACTED:github_token]" },
        { "github_pat_11ABCDEFG0abcdefghij_klm", "[REDACTED:github_token]" },
        { "xoxb-123456789012-abcdef", "[REDACTED:slack_token]" },
        { "AKIAIOSFODNN7EXAMPLE!", "[REDACTED:aws_key]!" },
        { "ASIAIOSFODNN7EXAMPLE", "[REDACTED:aws_key]" },
        { "pplx-abcdefghijklmnopqrstuv", "[REDACTED:perplexity_key]" },
        { "hf_abcdefghijklmnopqrstuv", "[REDACTED:huggingface_token]" },
        { "ein_0123456789abcdefghij", "[REDACTED:einion_key]" },
        { "eink_0123456789AB_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq1HWnzX",
          "[REDACTED:einion_key]" },
        { "eink_abcdefghijkl_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv",
          "[REDACTED:einion_key]" },
        { "key eink_0123456789AB_ABC cut", "key [REDACTED:einion_key] cut" },
        { "a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123 b", "a [REDACTED:jwt] b" },
        { "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x",
          "[REDACTED:private_key] x" },
        { "-----BEGIN PRIVATE KEY-----\nMIIE", "[REDACTED:private_key]" },
        { "postgres://bob:hunter2@db:5432/x", "postgres://bob:[REDACTED:url_password]@db:5432/x" },
        { "https://u:p@ss@host/", "https://u:[REDACTED:url_password]@host/" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_redacted(cases[i][0], cases[i][1]);
}

static void secrets_are_known_by_the_name_before_them(void **state)
{
    static const char *const cases[][2] = {
        { "password=hunter2 x", "password=[REDACTED:password] x" },
        { "DB_PASSWORD=correcthorse", "DB_PASSWORD=[REDACTED:password]" },
        { "password: hunter2", "password: [REDACTED:password]" },
        { "{\"password\": \"hunter2\"}", "{\"password\": \"[REDACTED:password]\"}" },
        { "{\"openaiApiKey\":\"abc\",\"b\":1}",
          "{\"openaiApiKey\":\"[REDACTED:api_key]\",\"b\":1}" },
        { "{\\\"api_key\\\":\\\"abc\\\"}", "{\\\"api_key\\\":\\\"[REDACTED:api_key]\\\"}" },
        { "'token': 'it\\'s'", "'token': '[REDACTED:token]'" },
        { "/x?token=abcdef&y=1", "/x?token=[REDACTED:token]&y=1" },
        { "client_secret=abc123;", "client_secret=[REDACTED:secret];" },
        { "x-api-key: 0123456789", "x-api-key: [REDACTED:api_key]" },
        { "Authorization: Bearer abc", "Authorization: Bearer [REDACTED:bearer_token]" },
        { "authorization: Basic dXNlcjpwYXNz", "authorization: Basic [REDACTED:authorization]" },
        { "{\"Authorization\": \"Bearer abc\"}",
          "{\"Authorization\": \"Bearer [REDACTED:bearer_token]\"}" },
        { "sent Bearer abc123def456 to", "sent Bearer [REDACTED:bearer_token] to" },
        { "gofannon_sid=abcdefghij; a=b", "gofannon_sid=[REDACTED:session]; a=b" },
        { "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPx",
          "aws_secret_access_key = [REDACTED:secret]" },
        { "password=\"never closed", "password=\"[REDACTED:password]" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_redacted(cases[i][0], cases[i][1]);
}

static void prose_and_programs_stay_as_they_are(void **state)
{
    static const char *const texts[] = {
        "token = count_tokens(text)",
        "max_tokens=400, prompt_tokens: 12",
        "\"max_tokens\": 400",
        "The password must be long; the secret: never tell it.",
        "password: must have eight letters",
        "if token == other_token:",
        "def f(token, password=None):",
        "call(token=token, secret=self.secret)",
        "password = getpass()",
        "api_key=os.environ[\"X\"]",
        "\"token\": null, \"secret\": true",
        "task-force sk-learn risk-free desk-12345678901234567890",
        "a bearer of bad news; Bearer tokens are opaque",
        "eyJust.a.word",
        "http://example.org:8080/a@b",
        "-----BEGIN CERTIFICATE-----",
        "ein_plugin_v1, ein_handler, ein_host_functions_of_a_kind",
        "eink_display_driver, eink_0Az9Kq2LmN3P, eink_0Az9…",
        "AKIA is a prefix, ASIATIC another",
        "token: 5",
        "ERROR: x = y: z",
        "",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_redacted(texts[i], texts[i]);
}

/* Texts made of one piece that begins a match and never ends it. */
static void time_grows_with_the_text_and_no_faster(void **state)
{
    static const char *const pieces[] = {
        "sk-",  "token=",       "password: ",           "eyJ",     "eyJaaaa.",
        "://",  "://a:",        "-----BEGIN ",          "Bearer ", "token=\"",
        "a=b(", "token=token(", "'token': '[REDACTED:", "sk-ant-a"
    };

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        size_t len = 500000, piece = strlen(pieces[i]);
        char *text = malloc(len);
        int64_t start = clock_mono_ms();

        for (size_t at = 0; at < len; at++)
            text[at] = pieces[i][at % piece];
        free(redact(text, len, NULL));
        if (clock_mono_ms() - start > 5000)
            fail_msg("%s: %lld ms", pieces[i], (long long)(clock_mono_ms() - start));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_known_by_their_shape),
        cmocka_unit_test(secrets_are_known_by_the_name_before_them),
        cmocka_unit_test(prose_and_programs_stay_as_they_are),
        cmocka_unit_test(time_grows_with_the_text_and_no_faster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
