/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of event streams, signatures, and where Bedrock is. */
#include "bedrock.h"
#include "error.h"
#include "frames.h"
#include "sign.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* ---- frames ---- */

/* Made by the vendor's own codec. */
static const unsigned char golden[] =
    "\x00\x00\x00\xb4\x00\x00\x00\x4e\x11\x01\x1d\x2a"
    "\x0b:event-type\x07\x00\x08metadata\x0d:content-type\x07\x00\x10"
    "application/json\x0d:message-type\x07\x00\x05"
    "event{\"usage\":{\"inputTokens\":3,\"outputTokens\":2,\"totalTokens\":5},"
    "\"metrics\":{\"latencyMs\":7}}\xd1\x01\x47\x39";
enum { GOLDEN = sizeof(golden) - 1, MAX = 1 << 20 };

struct seen {
    size_t count;
    char type[64], payload[128];
    int answer; /* what the callback returns */
};

static int on_frame(const struct frame *frame, void *data, struct ein_error *err)
{
    struct seen *seen = data;

    seen->count++;
    assert_string_equal(frame->message_type, "event");
    (void)snprintf(seen->type, sizeof(seen->type), "%s", frame->event_type);
    (void)snprintf(seen->payload, sizeof(seen->payload), "%.*s", (int)frame->payload_len,
                   frame->payload);
    return seen->answer < 0 ? error_set(err, seen->answer, "the frame is not wanted") : 0;
}

static void a_frame_may_come_in_any_pieces(void **state)
{
    unsigned char twice[2 * GOLDEN];

    assert_int_equal(GOLDEN, 0xb4);
    memcpy(twice, golden, GOLDEN);
    memcpy(twice + GOLDEN, golden, GOLDEN);
    for (size_t size = 1; size <= sizeof(twice); size++) {
        struct seen seen = { 0 };
        struct frames frames;

        frames_init(&frames, GOLDEN);
        for (size_t at = 0; at < sizeof(twice); at += size) {
            size_t left = sizeof(twice) - at;
            assert_int_equal(
                frames_feed(&frames, twice + at, left < size ? left : size, on_frame, &seen, NULL),
                0);
        }
        assert_int_equal(seen.count, 2);
        assert_string_equal(seen.type, "metadata");
        assert_memory_equal(seen.payload, "{\"usage\":{\"inputTokens\":3", 24);
        frames_done(&frames);
    }
}

static void every_bit_counts(void **state)
{
    unsigned char bytes[GOLDEN];

    for (size_t bit = 0; bit < 8 * (size_t)GOLDEN; bit++) {
        struct seen seen = { 0 };
        struct ein_error err = { 0 };
        struct frames frames;

        memcpy(bytes, golden, GOLDEN);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        frames_init(&frames, MAX);
        assert_int_equal(frames_feed(&frames, bytes, GOLDEN, on_frame, &seen, &err),
                         EIN_E_UNAVAILABLE);
        assert_non_null(strstr(err.text, "wrong checksum"));
        assert_int_equal(seen.count, 0);
        frames_done(&frames);
    }
}

static void who_does_not_want_a_frame_gets_no_more(void **state)
{
    unsigned char twice[2 * GOLDEN];
    struct seen seen = { .answer = EIN_E_CANCELLED };
    struct ein_error err = { 0 };
    struct frames frames;

    memcpy(twice, golden, GOLDEN);
    memcpy(twice + GOLDEN, golden, GOLDEN);
    frames_init(&frames, MAX);
    assert_int_equal(frames_feed(&frames, twice, sizeof(twice), on_frame, &seen, &err),
                     EIN_E_CANCELLED);
    assert_string_equal(err.text, "the frame is not wanted");
    assert_int_equal(seen.count, 1);
    frames_done(&frames);
}

static void a_frame_has_a_maximum(void **state)
{
    struct seen seen = { 0 };
    struct ein_error err = { 0 };
    struct frames frames;

    frames_init(&frames, GOLDEN - 1);
    assert_int_equal(frames_feed(&frames, golden, 11, on_frame, &seen, &err), 0);
    assert_int_equal(frames_feed(&frames, golden + 11, 1, on_frame, &seen, &err),
                     EIN_E_UNAVAILABLE);
    assert_string_equal(err.text, "a frame of 180 bytes, above the limit of 179");
    frames_done(&frames);
}

static void room_is_made_for_what_comes(void **state)
{
    /* 1 MiB of payload are promised; the checksum of the promise is right. */
    static const unsigned char promise[] = "\x00\x10\x00\x00\x00\x00\x00\x00\x02\xfc\x43\xa7";
    struct seen seen = { 0 };
    struct frames frames;

    frames_init(&frames, MAX);
    assert_int_equal(frames_feed(&frames, promise, 12, on_frame, &seen, NULL), 0);
    assert_int_equal(frames_feed(&frames, "0123456789", 10, on_frame, &seen, NULL), 0);
    assert_true(frames.size < 4096);
    frames_done(&frames);
}

/* ---- signatures ---- */

static void signatures_are_what_awss_signer_makes(void **state)
{
    static const struct {
        const char *path, *token, *authorization;
    } cases[] = {
        { "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream", NULL,
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/eu-central-1/bedrock/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date, "
          "Signature=397b3b9e185784fa969b3ba01b66014036a01f5fd83fad3bd6f0644faf14181e" },
        { "/model/arn%3Aaws%3Abedrock%2Fx/converse-stream", "a/token==",
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/eu-central-1/bedrock/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
          "Signature=7c0231641ce9082aa360aaab51069b7c12f29d246a23205d07a3f93609ec813b" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sign_keys keys = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                        cases[i].token };
        const struct sign_request request = {
            .service = "bedrock",
            .region = "eu-central-1",
            .host = "bedrock-runtime.eu-central-1.amazonaws.com",
            .path = cases[i].path,
            .body = "{\"a\":1}",
            .body_len = 7,
            .time_ms = INT64_C(1795701959999), /* 2026-11-26 14:05:59 */
        };
        struct signature signature;

        assert_int_equal(sign(&keys, &request, &signature, NULL), 0);
        assert_string_equal(signature.date, "20261126T140559Z");
        assert_string_equal(signature.authorization, cases[i].authorization);
        free(signature.authorization);
    }
}

/* ---- where it is ---- */

static void host_and_path_are_those_of_the_base_url(void **state)
{
    static const char *const good[][3] = {
        { "https://bedrock-runtime.eu-west-1.amazonaws.com",
          "bedrock-runtime.eu-west-1.amazonaws.com", "" },
        { "https://a.b:443/x", "a.b", "/x" },
        { "https://a.b:80", "a.b:80", "" },
        { "http://a.b:80", "a.b", "" },
        { "HTTP://[::1]:8080/x/y", "[::1]:8080", "/x/y" },
    };
    static const char *const bad[] = { "https://user@a.b", "https://a.b?x", "https://a.b#x" };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct bedrock bedrock = { .vendor.base_url = good[i][0] };

        assert_int_equal(bedrock_endpoint(&bedrock, NULL), 0);
        assert_string_equal(bedrock.host, good[i][1]);
        assert_string_equal(bedrock.path, good[i][2]);
        free(bedrock.host);
        free(bedrock.path);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bedrock bedrock = { .vendor.base_url = bad[i] };

        assert_int_equal(bedrock_endpoint(&bedrock, NULL), EIN_E_INVALID);
    }
}

static void the_base_url_follows_from_the_region(void **state)
{
    EIN_FREE char *europe = bedrock_base_url("eu-west-1"), *china = bedrock_base_url("cn-north-1");

    assert_string_equal(europe, "https://bedrock-runtime.eu-west-1.amazonaws.com");
    assert_string_equal(china, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_may_come_in_any_pieces),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(who_does_not_want_a_frame_gets_no_more),
        cmocka_unit_test(a_frame_has_a_maximum),
        cmocka_unit_test(room_is_made_for_what_comes),
        cmocka_unit_test(signatures_are_what_awss_signer_makes),
        cmocka_unit_test(host_and_path_are_those_of_the_base_url),
        cmocka_unit_test(the_base_url_follows_from_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
