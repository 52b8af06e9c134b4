/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

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

static void test_the_target_is_split_into_path_and_query(void **state)
{
    static const struct {
        const char *target, *path, *query;
    } table[] = {
        { "/a/b", "/a/b", NULL },      { "/a?x=1", "/a", "x=1" },
        { "/a?", "/a", NULL },         { "/a%3Fb?c?d", "/a%3Fb", "c?d" },
        { "http://h/a?b", "/a", "b" }, { "https://h:8/a", "/a", NULL },
        { "http://h", "/", NULL },     { "*", "*", NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ein_req *req = fixture_begin(*state, "GET", table[i].target, NULL);

        assert_string_equal(request_path(req), table[i].path);
        if (table[i].query)
            assert_string_equal(req->query_text, table[i].query);
        else
            assert_null(req->query_text);
        request_done(req);
    }
}

static void test_the_query_is_a_form(void **state)
{
    static const struct {
        const char *target, *json; /* NULL: refused */
    } table[] = {
        { "/?a=1&b=2", "{\"a\":\"1\",\"b\":\"2\"}" },
        { "/?a=1&a=2", "{\"a\":\"2\"}" },
        { "/?a", "{\"a\":\"\"}" },
        { "/?a=", "{\"a\":\"\"}" },
        { "/?=a&&", "{\"\":\"a\"}" },
        { "/?a+b=c+d%2B", "{\"a b\":\"c d+\"}" },
        { "/?a=%26%3D", "{\"a\":\"&=\"}" },
        { "/?a=b=c", "{\"a\":\"b=c\"}" },
        { "/?a=%C3%A9", "{\"a\":\"\xc3\xa9\"}" },
        { "/?a=%", NULL },
        { "/?a=%C3", NULL },
        { "/?%00=a", NULL },
        { "/?a=\xff", NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ein_req *req = fixture_begin(*state, "GET", table[i].target, NULL);
        EIN_JSON json_t *wanted = table[i].json ? json_loads(table[i].json, 0, NULL) : NULL;
        int r = request_parse_query(req);

        if (wanted) {
            assert_int_equal(r, 0);
            assert_true(json_equal(request_query(req), wanted));
        } else if (r >= 0) {
            fail_msg("%s is taken", table[i].target);
        }
        request_done(req);
    }
}

static void test_an_absent_query_is_an_empty_object(void **state)
{
    struct ein_req *req = fixture_begin(*state, "GET", "/", NULL);

    assert_int_equal(json_object_size(request_query(req)), 0);
    assert_true(json_is_object(request_query(req)));
    request_done(req);
}

static void test_cookies_are_found_by_their_whole_name(void **state)
{
    struct ein_req *req = fixture_begin(
        *state, "GET", "/",
        HEADERS("cookie",
                "xsid=0; sid=one;quoted=\"a b\" ; empty=; sid=two; bad; utf=\xff;last=z"));

    assert_string_equal(request_cookie(req, "sid"), "one");
    assert_string_equal(request_cookie(req, "xsid"), "0");
    assert_string_equal(request_cookie(req, "quoted"), "a b");
    assert_string_equal(request_cookie(req, "empty"), "");
    assert_string_equal(request_cookie(req, "last"), "z");
    assert_null(request_cookie(req, "bad"));
    assert_null(request_cookie(req, "si"));
    assert_null(request_cookie(req, "utf"));
    assert_null(request_cookie(req, "SID"));
    request_done(req);
}

static void test_headers_are_found_in_any_case_and_only_as_text(void **state)
{
    struct ein_req *req = fixture_begin(
        *state, "GET", "/",
        HEADERS("X-One", "1", "x-bad", "\xff\xc3\xa4\xc3", "Authorization", "Bearer NULL"));

    assert_string_equal(request_header(req, "x-one"), "1");
    assert_string_equal(request_header(req, "X-Bad"), "?\xc3\xa4?"); /* it is there */
    assert_null(request_header(req, "X-Two"));
    assert_null(request_header(req, "authorization")); /* what a front end without a token sends */
    request_done(req);
    req = fixture_begin(*state, "GET", "/", HEADERS("Authorization", "Bearer nullable"));
    assert_string_equal(request_header(req, "Authorization"), "Bearer nullable");
    request_done(req);
}

static void test_a_request_id_is_kept_or_made(void **state)
{
    struct ein_req *req = fixture_begin(*state, "GET", "/", HEADERS("x-request-id", "mine"));
    char first[REQUEST_ID_SIZE];

    assert_string_equal(request_id(req), "mine");
    request_done(req);
    req = fixture_begin(*state, "GET", "/", HEADERS("X-Request-ID", "two words"));
    assert_int_equal(strlen(request_id(req)), 32);
    strcpy(first, request_id(req));
    request_done(req);
    req = fixture_begin(*state, "GET", "/", HEADERS("X-Request-ID", "\"><script>"));
    assert_int_equal(strlen(request_id(req)), 32);
    request_done(req);
    req = fixture_begin(*state, "GET", "/", NULL);
    assert_string_not_equal(request_id(req), first);
    request_done(req);
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"
#define ZEROS "00000000000000000000000000000000"

static void test_traceparent_is_taken_where_it_is_well_formed(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } table[] = {
        { "00-" TRACE "-" SPAN "-01", true },
        { "01-" TRACE "-" SPAN "-01-more", true },
        { "cc-" TRACE "-" SPAN "-00", true },
        { "00-" TRACE "-" SPAN "-01-more", false },
        { "01-" TRACE "-" SPAN "-01more", false },
        { "ff-" TRACE "-" SPAN "-01", false },
        { "00-" ZEROS "-" SPAN "-01", false },
        { "00-" TRACE "-0000000000000000-01", false },
        { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false },
        { "00-" TRACE "-" SPAN "-0", false },
        { "00-" TRACE "-" SPAN, false },
        { "0-" TRACE "-" SPAN "-001", false },
        { "", false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ein_req *req =
            fixture_begin(*state, "GET", "/", HEADERS("Traceparent", table[i].text));

        assert_int_equal(strlen(request_trace_id(req)), 32);
        if ((strcmp(request_trace_id(req), TRACE) == 0) != table[i].good)
            fail_msg("%s", table[i].text);
        assert_ptr_equal(request_trace_id(req), request_trace_id(req));
        request_done(req);
    }
}

static void test_a_token_is_made_once_and_fires_with_all(void **state)
{
    struct fixture *it = *state;
    struct ein_req *req = fixture_begin(it, "GET", "/", NULL);
    struct ein_cancel *cancel = request_cancel(req);

    assert_ptr_equal(cancel, request_cancel(req));
    assert_false(cancel_fired(cancel));
    watch_fire_all(it->http->watch);
    assert_true(cancel_fired(cancel));
    request_done(req);

    req = fixture_begin(it, "GET", "/", NULL); /* one that comes later */
    assert_true(cancel_fired(request_cancel(req)));
    request_done(req);
}

static void test_a_token_fires_with_the_stopping_of_the_routes_owner(void **state)
{
    struct ein_req *req = fixture_begin(*state, "GET", "/", NULL);
    struct ein_cancel *stopping = cancel_new(NULL);
    const struct route route = { .owner = { .name = "one", .stopping = stopping } };

    req->route = &route;
    assert_false(cancel_fired(request_cancel(req)));
    cancel_fire(stopping);
    assert_true(cancel_fired(request_cancel(req)));
    request_done(req);
    cancel_free(stopping);
}

static void test_the_deadline_runs_from_the_head(void **state)
{
    struct ein_req *req = fixture_begin(*state, "GET", "/", NULL);
    uint32_t all = req->settings->limits.request_ms;

    assert_in_range(request_left_ms(req), all - 1000, all);
    req->start_us -= (int64_t)all * 1000;
    assert_int_equal(request_left_ms(req), 0);
    request_done(req);
}

static void test_memory_of_a_request_is_cleared_and_bounded(void **state)
{
    struct ein_req *req = fixture_begin(*state, "GET", "/", NULL);
    const char *some = request_alloc(req, 100000);

    assert_non_null(some);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(some[i], 0);
    assert_null(request_alloc(req, REQUEST_ARENA_MAX));
    request_done(req);
}

static void test_browsers_that_go_somewhere_are_told_from_scripts(void **state)
{
    static const struct {
        const char *mode, *accept;
        int navigates;
    } table[] = {
        { "navigate", NULL, 1 },    { "navigate", "*/*", 1 },
        { "cors", "text/html", 0 }, { "same-origin", "text/html", 0 },
        { NULL, "text/html", 1 },   { NULL, "text/css, Text/HTML;q=0.9", 1 },
        { NULL, "*/*", 0 },         { NULL, "application/json", 0 },
        { NULL, NULL, 0 },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ein_req *req = fixture_begin(*state, "GET", "/", NULL);

        req->known[HEADER_FETCH_MODE] = table[i].mode;
        req->known[HEADER_ACCEPT] = table[i].accept;
        assert_int_equal(request_navigates(req) != 0, table[i].navigates);
        request_done(req);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_target_is_split_into_path_and_query),
        TEST(test_the_query_is_a_form),
        TEST(test_an_absent_query_is_an_empty_object),
        TEST(test_cookies_are_found_by_their_whole_name),
        TEST(test_headers_are_found_in_any_case_and_only_as_text),
        TEST(test_a_request_id_is_kept_or_made),
        TEST(test_traceparent_is_taken_where_it_is_well_formed),
        TEST(test_a_token_is_made_once_and_fires_with_all),
        TEST(test_a_token_fires_with_the_stopping_of_the_routes_owner),
        TEST(test_the_deadline_runs_from_the_head),
        TEST(test_memory_of_a_request_is_cleared_and_bounded),
        TEST(test_browsers_that_go_somewhere_are_told_from_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
