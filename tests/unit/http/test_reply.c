/* SPDX-License-Identifier: Apache-2.0 */
#include "cors.h"
#include "csrf.h"
#include "fixture.h"
#include "reply.h"
#include <einion/services.h>

static int setup(void **state)
{
    *state = fixture_with(NULL);
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static struct ein_req *begin(void **state)
{
    return fixture_begin(*state, "GET", "/", NULL);
}

static void test_headers_that_could_split_the_reply_are_refused(void **state)
{
    static const char *const bad[][2] = {
        { "X-A", "a\r\nX-B: b" },
        { "X-A", "a\n" },
        { "X-A", "\x01" },
        { "X-A", "\x7f" },
        { "X A", "a" },
        { "X-A:", "a" },
        { "", "a" },
        { "X\r\n", "a" },
        { "Content-Length", "1" },
        { "connection", "a" },
        { "Set-Cookie", "a" },
        { NULL, "a" },
        { "X-A", NULL },
    };
    struct ein_req *req = begin(state);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(reply_set_header(req, bad[i][0], bad[i][1]), EIN_E_INVALID);
    assert_null(req->reply.headers);
    request_done(req);
}

static void test_a_header_is_replaced_in_any_case(void **state)
{
    struct ein_req *req = begin(state);

    assert_int_equal(reply_set_header(req, "X-A", "1"), 0);
    assert_int_equal(reply_set_header(req, "x-a", "tab\tand \xc3\xa9"), 0);
    assert_string_equal(reply_header(req, "X-A"), "tab\tand \xc3\xa9");
    assert_int_equal(req->reply.count, 1);
    request_done(req);
}

static void test_what_vary_names_is_added_to(void **state)
{
    struct ein_req *req = begin(state);

    reply_add_header(req, "Vary", "Origin");
    assert_int_equal(reply_set_header(req, "vary", "Accept"), 0);
    assert_string_equal(reply_header(req, "Vary"), "Origin, Accept");
    request_done(req);
}

static void test_there_are_so_many_headers_and_no_more(void **state)
{
    struct ein_req *req = begin(state);
    char name[16];

    for (int i = 0; i < REPLY_HEADERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "X-%d", i);
        assert_int_equal(reply_set_header(req, name, "a"), 0);
    }
    assert_int_equal(reply_set_header(req, "X-More", "a"), EIN_E_TOO_LARGE);
    assert_int_equal(reply_set_cookie(req, "more", "a", -1, 0), EIN_E_TOO_LARGE);
    request_done(req);
}

static void test_cookies_with_separators_are_refused(void **state)
{
    static const char *const bad[] = { "a;b", "a b", "a,b", "a\"", "a\\", "\r\n", "\xc3\xa9" };
    struct ein_req *req = begin(state);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(reply_set_cookie(req, "a", bad[i], -1, 0), EIN_E_INVALID);
    assert_int_equal(reply_set_cookie(req, "a b", "c", -1, 0), EIN_E_INVALID);
    assert_int_equal(reply_set_cookie(req, "a", "c", -2, 0), EIN_E_INVALID);
    assert_int_equal(reply_set_cookie(req, "a", "one", 5, EIN_COOKIE_SECURE), 0);
    assert_int_equal(reply_set_cookie(req, "a", "two", 6, 0), 0);
    assert_string_equal(req->reply.cookies->value, "two");
    assert_null(req->reply.cookies->next);
    request_done(req);
}

static void test_every_failure_is_a_detail(void **state)
{
    struct ein_req *req = begin(state);
    const struct ein_error err = { .code = EIN_E_NOT_FOUND, .text = "No such thing" };

    assert_int_equal(reply_fail(req, 418, "I am a %s \"%c\"", "teapot", 'x'), 418);
    assert_string_equal(req->reply.body, "{\"detail\":\"I am a teapot \\\"x\\\"\"}");
    assert_int_equal(reply_fail_json(req, 422, json_pack("[{s:i}]", "a", 1)), 422);
    assert_string_equal(req->reply.body, "{\"detail\":[{\"a\":1}]}");
    assert_int_equal(reply_fail_error(req, &err), 404);
    assert_string_equal(req->reply.body, "{\"detail\":\"No such thing\"}");
    assert_string_equal(req->reply.type, "application/json");
    request_done(req);
}

static json_t *shape(void *impl, struct ein_req *req, int *status, const json_t *detail)
{
    if (json_is_true(detail))
        return NULL;
    if (*status == 422)
        *status = 400;
    (void)reply_set_header(req, "X-Shaped", "yes");
    return json_pack("{s:O}", "error", detail);
}

static void test_a_plugin_shapes_the_errors_below_its_path(void **state)
{
    static const struct ein_error_shape shaper = { .struct_size = sizeof(shaper),
                                                   .path = "/v1",
                                                   .shape = shape };
    static const struct {
        const char *target, *body;
    } table[] = {
        { "/v1", "{\"error\":\"no\"}" },        { "/v1?a=b", "{\"error\":\"no\"}" },
        { "/v1/chat/x", "{\"error\":\"no\"}" }, { "/v10", "{\"detail\":\"no\"}" },
        { "/v", "{\"detail\":\"no\"}" },        { "/", "{\"detail\":\"no\"}" },
        { "/other/v1", "{\"detail\":\"no\"}" },
    };
    struct fixture *it = *state;
    struct ein_req *req;

    assert_int_equal(
        services_publish(it->services, &it->gate, EIN_ERROR_SHAPE, "one", &shaper, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        req = fixture_begin(it, "GET", table[i].target, NULL);
        assert_int_equal(reply_fail(req, 404, "no"), 404);
        assert_string_equal(req->reply.body, table[i].body);
        request_done(req);
    }
    req = fixture_begin(it, "GET", "/v1", NULL);
    assert_int_equal(reply_fail_json(req, 422, json_array()), 400);
    assert_int_equal(req->reply.status, 400);
    assert_string_equal(reply_header(req, "X-Shaped"), "yes");
    assert_int_equal(reply_fail_json(req, 422, json_true()), 422);
    assert_string_equal(req->reply.body, "{\"detail\":true}");
    request_done(req);
}

static void test_a_long_sentence_is_cut_at_a_whole_character(void **state)
{
    struct ein_req *req = begin(state);
    char text[REPLY_DETAIL_MAX * 2];
    json_t *json;

    memset(text, 'a', sizeof(text));
    for (size_t i = 1; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[sizeof(text) - 1] = '\0';
    (void)reply_fail(req, 500, "%s", text);
    json = json_loads(req->reply.body, 0, NULL);
    assert_non_null(json);
    assert_in_range(json_string_length(json_object_get(json, "detail")), REPLY_DETAIL_MAX - 3,
                    REPLY_DETAIL_MAX);
    json_decref(json);
    request_done(req);
}

static void test_silence_and_errors_become_json(void **state)
{
    struct ein_req *req = begin(state);

    reply_settle(req, 200);
    assert_int_equal(req->reply.status, 500);
    assert_string_equal(req->reply.body, "{\"detail\":\"An internal server error occurred.\"}");
    reply_settle(req, EIN_E_CONFLICT);
    assert_int_equal(req->reply.status, 409);
    (void)reply_json(req, 99, json_object());
    assert_int_equal(req->reply.status, 500);
    (void)reply_redirect(req, 302, "/a\r\nX: y");
    assert_int_equal(req->reply.status, 500);
    request_done(req);
}

static void test_what_has_no_body_has_no_type(void **state)
{
    struct ein_req *req = begin(state);

    (void)reply_json(req, 204, json_object());
    reply_finish(req);
    assert_null(req->reply.body);
    assert_null(req->reply.type);
    assert_int_equal(req->reply.len, 0);
    request_done(req);
}

static void test_401_says_how_to_come_in(void **state)
{
    struct ein_req *req = begin(state);

    (void)reply_fail(req, 401, "no");
    reply_finish(req);
    assert_string_equal(reply_header(req, "WWW-Authenticate"),
                        "Bearer realm=\"einion\", reason=\"missing_credentials\"");
    request_done(req);
}

static void test_only_reads_are_answered_304(void **state)
{
    struct ein_req *req = fixture_begin(*state, "PUT", "/", HEADERS("If-None-Match", "\"a\""));

    (void)reply_set_header(req, "ETag", "\"a\"");
    (void)reply_json(req, 200, json_object());
    reply_finish(req);
    assert_int_equal(req->reply.status, 200);
    request_done(req);

    req = fixture_begin(*state, "HEAD", "/", HEADERS("If-None-Match", "\"b\",W/\"a\""));
    (void)reply_set_header(req, "ETag", "\"a\"");
    (void)reply_json(req, 200, json_object());
    reply_finish(req);
    assert_int_equal(req->reply.status, 304);
    assert_null(req->reply.body);
    request_done(req);
}

static void test_origin_method_and_fetch_site_decide(void **state)
{
    static const struct {
        const char *method, *origin, *site, *host;
        bool goes_on;
        bool allowed; /* Access-Control-Allow-Origin is there */
    } table[] = {
        { "GET", NULL, NULL, "h", true, false },
        { "POST", NULL, NULL, "h", true, false },
        { "POST", NULL, "same-origin", "h", true, false },
        { "POST", NULL, "none", "h", true, false },
        { "POST", NULL, "cross-site", "h", false, false },
        { "GET", NULL, "cross-site", "h", true, false },
        { "GET", "http://evil", NULL, "h", true, false },
        { "HEAD", "http://evil", NULL, "h", true, false },
        { "OPTIONS", "http://evil", NULL, "h", true, false }, /* no preflight: goes to its 405 */
        { "POST", "http://evil", NULL, "h", false, false },
        { "DELETE", "null", NULL, "h", false, false },
        { "POST", "http://h:1", NULL, "h:1", true, false },
        { "POST", "http://h:1", NULL, "h:2", false, false },
        { "POST", "http://h", NULL, NULL, false, false },
        { "POST", "http://front.example:3000", "cross-site", "h", true, true },
        { "GET", "http://front.example:3000", NULL, "h", true, true },
        { "POST", "http://front.example", NULL, "h", false, false },
        { "POST", "https://front.example:3000", NULL, "h", false, false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *headers[7];
        size_t count = 0;
        struct ein_req *req;

#define PUT_HEADER(name, value)                                                                    \
    if (value) {                                                                                   \
        headers[count++] = name;                                                                   \
        headers[count++] = value;                                                                  \
    }
        PUT_HEADER("Origin", table[i].origin)
        PUT_HEADER("Sec-Fetch-Site", table[i].site)
        PUT_HEADER("Host", table[i].host)
        headers[count] = NULL;
        req = fixture_begin(*state, table[i].method, "/", headers);
        if ((cors_check(req) && csrf_check(req)) != table[i].goes_on)
            fail_msg("row %zu", i);
        assert_int_equal(req->reply.status, table[i].goes_on ? 0 : 403);
        assert_int_equal(reply_header(req, "Access-Control-Allow-Origin") != NULL,
                         table[i].allowed);
        request_done(req);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_headers_that_could_split_the_reply_are_refused),
        TEST(test_a_header_is_replaced_in_any_case),
        TEST(test_what_vary_names_is_added_to),
        TEST(test_there_are_so_many_headers_and_no_more),
        TEST(test_cookies_with_separators_are_refused),
        TEST(test_every_failure_is_a_detail),
        TEST(test_a_plugin_shapes_the_errors_below_its_path),
        TEST(test_a_long_sentence_is_cut_at_a_whole_character),
        TEST(test_silence_and_errors_become_json),
        TEST(test_what_has_no_body_has_no_type),
        TEST(test_401_says_how_to_come_in),
        TEST(test_only_reads_are_answered_304),
        TEST(test_origin_method_and_fetch_site_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
