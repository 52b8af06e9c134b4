/* SPDX-License-Identifier: Apache-2.0 */
#include "client_world.h"
#include "clock.h"

/* ---- replies ---- */

static void a_reply_has_status_headers_and_body(void **state)
{
    struct reply reply = get("/hello");

    assert_ok(&reply);
    assert_int_equal(reply.got.status, 200);
    assert_string_equal(reply.got.body, "hello");
    assert_int_equal(reply.got.body_len, 5);
    assert_string_equal(header(&reply, "content-length"), "5");
    done(&reply);

    reply = get("/nothing");
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 404);
    done(&reply);
}

static void repeated_headers_are_joined_and_cookies_are_not(void **state)
{
    struct reply reply = get("/headers");
    const json_t *cookies;

    assert_ok(&reply);
    assert_string_equal(header(&reply, "x-two"), "a, b");
    assert_string_equal(header(&reply, "x-latin"), "caf\xc3\xa9");
    assert_string_equal(header(&reply, "x-empty"), "");
    cookies = json_object_get(reply.got.headers, "set-cookie");
    assert_int_equal(json_array_size(cookies), 2);
    assert_string_equal(json_string_value(json_array_get(cookies, 1)), "b=2");
    done(&reply);
}

static void connections_are_kept_and_used_again(void **state)
{
    struct reply first = get("/hello"), second = get("/hello");

    assert_ok(&first);
    assert_ok(&second);
    assert_string_equal(header(&first, "x-connection"), header(&second, "x-connection"));
    assert_int_equal(atoi(header(&second, "x-request")), atoi(header(&first, "x-request")) + 1);
    done(&first);
    done(&second);
}

/* The line keeps its options from one request to the next. */
static void requests_of_one_connection_leave_nothing_to_each_other(void **state)
{
    static const char *const kinds[] = { "POST", "GET", "HEAD", "POST", "DELETE", "GET" };
    static const char *const of_post[] = { "X-Mine: 1", "Accept-Encoding: br", NULL };
    struct reply first = get("/hello");

    assert_ok(&first);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct ein_fetch what = by_operator();
        bool posts = strcmp(kinds[i], "POST") == 0;
        what.method = kinds[i];
        what.headers = posts ? of_post : NULL;
        what.body = posts ? "mine" : NULL;
        what.body_len = posts ? 4 : 0;
        struct reply reply = run(&what, "/echo");
        assert_ok(&reply);
        assert_string_equal(header(&first, "x-connection"), header(&reply, "x-connection"));
        if (strcmp(kinds[i], "HEAD") != 0) {
            assert_non_null(strstr(reply.got.body, kinds[i]));
            assert_true(posts == (strstr(reply.got.body, "mine") != NULL));
            assert_true(posts == (strcasestr(reply.got.body, "x-mine") != NULL));
            assert_true(posts == (strstr(reply.got.body, "gzip") == NULL));
        }
        done(&reply);
    }
    done(&first);
}

static void a_chunked_reply_is_whole_and_its_trailer_is_no_header(void **state)
{
    struct reply reply = get("/chunked");

    assert_ok(&reply);
    assert_string_equal(reply.got.body, "one two three");
    assert_null(json_object_get(reply.got.headers, "x-after"));
    done(&reply);
}

static void an_early_hint_is_not_the_reply(void **state)
{
    struct reply reply = get("/early");

    assert_ok(&reply);
    assert_int_equal(reply.got.status, 200);
    assert_null(json_object_get(reply.got.headers, "link"));
    assert_string_equal(reply.got.body, "after");
    done(&reply);
}

static void a_head_request_has_no_body(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.method = "HEAD";
    what.max_bytes = 3;
    reply = run(&what, "/hello");
    assert_ok(&reply);
    assert_string_equal(header(&reply, "content-length"), "5");
    assert_int_equal(reply.got.body_len, 0);
    done(&reply);
}

static void a_compressed_reply_is_unpacked_unless_the_caller_asked_for_it(void **state)
{
    static const char *const headers[] = { "Accept-Encoding: gzip", NULL };
    struct reply reply = get("/gzip");
    struct ein_fetch what = by_operator();

    assert_ok(&reply);
    assert_string_equal(reply.got.body, "small");
    assert_null(json_object_get(reply.got.headers, "content-encoding"));
    done(&reply);

    what.headers = headers;
    reply = run(&what, "/gzip");
    assert_ok(&reply);
    assert_string_equal(header(&reply, "content-encoding"), "gzip");
    assert_memory_equal(reply.got.body, "\x1f\x8b", 2);
    done(&reply);
}

/* ---- requests ---- */

static void method_headers_and_body_arrive(void **state)
{
    static const char *const headers[] = { "Content-Type: application/json", "X-Mine: yes",
                                           "X-Empty:", "Connection: close", NULL };
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    what.method = "PATCH";
    what.headers = headers;
    what.body = "{\"a\":1}";
    what.body_len = 7;
    reply = run(&what, "/echo?q=1");
    echo = echoed(&reply);
    assert_string_equal(json_string_value(json_object_get(echo, "method")), "PATCH");
    assert_string_equal(json_string_value(json_object_get(echo, "target")), "/echo?q=1");
    assert_string_equal(json_string_value(json_object_get(echo, "body")), "{\"a\":1}");
    assert_string_equal(sent_header(echo, "content-type"), "application/json");
    assert_string_equal(sent_header(echo, "x-mine"), "yes");
    assert_string_equal(sent_header(echo, "x-empty"), "");
    assert_null(sent_header(echo, "connection"));
    json_decref(echo);
    done(&reply);
}

static void nothing_is_sent_that_nobody_asked_for(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    what.method = "POST";
    reply = run(&what, "/echo");
    echo = echoed(&reply);
    assert_null(sent_header(echo, "content-type"));
    assert_null(sent_header(echo, "cookie"));
    assert_null(sent_header(echo, "authorization"));
    assert_string_equal(sent_header(echo, "content-length"), "0");
    json_decref(echo);
    done(&reply);
}

static void a_bad_request_is_refused_before_it_is_sent(void **state)
{
    static const char *const bad_headers[][2] = {
        { "X: a\r\nY: b", NULL }, { "no colon", NULL }, { ": empty", NULL }, { "X y: z", NULL }
    };
    static const char *const bad_urls[] = { "ftp://127.0.0.1/",
                                            "file:///etc/passwd",
                                            "gopher://127.0.0.1/",
                                            "127.0.0.1",
                                            "http://",
                                            "",
                                            "http://a b/",
                                            "http://[::1",
                                            "http://127.0.0.1:x/",
                                            "http://127.0.0.1:99999/",
                                            "http://127.0.0.1/a\nb" };
    static const char *const bad_methods[] = { "", "get", "GET /", "CONNECT", "A\r\nB" };
    struct ein_fetch what = by_operator();
    struct reply reply;

    for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; i++) {
        what.headers = bad_headers[i];
        reply = run(&what, "/hello");
        assert_fails(&reply, EIN_E_INVALID, "header");
    }
    for (size_t i = 0; i < sizeof bad_urls / sizeof bad_urls[0]; i++) {
        reply = get(bad_urls[i]);
        assert_fails(&reply, EIN_E_INVALID, "URL");
    }
    what = by_operator();
    for (size_t i = 0; i < sizeof bad_methods / sizeof bad_methods[0]; i++) {
        what.method = bad_methods[i];
        reply = run(&what, "/hello");
        assert_fails(&reply, EIN_E_INVALID, "method");
    }
}

/* More than are remembered, and each more than once. */
static void each_of_many_urls_leads_where_it_says(void **state)
{
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100; i++) {
            char path[32], target[32];
            struct reply reply;
            json_t *echo;

            (void)snprintf(path, sizeof path, "/echo?n=%d#part", i);
            (void)snprintf(target, sizeof target, "/echo?n=%d", i);
            reply = get(path);
            echo = echoed(&reply);
            assert_string_equal(json_string_value(json_object_get(echo, "target")), target);
            json_decref(echo);
            done(&reply);
        }
}

static void a_url_has_a_maximum_length(void **state)
{
    char *url = malloc(CLIENT_URL_MAX + 2);
    struct reply reply;

    memset(url, 'a', CLIENT_URL_MAX + 1);
    url[CLIENT_URL_MAX + 1] = '\0';
    memcpy(url, "http://h/", 9);
    reply = get(url);
    assert_fails(&reply, EIN_E_INVALID, "longer than");
    free(url);
}

static void a_big_body_is_sent_in_pieces_from_the_callers_thread(void **state)
{
    enum { SIZE = 5 * 1024 * 1024 + 3 };
    struct sender sender = { .left = SIZE, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    what.method = "PUT";
    what.on_send = send_piece;
    what.data = &sender;
    reply = run(&what, "/echo");
    echo = echoed(&reply);
    assert_string_equal(sent_header(echo, "transfer-encoding"), "chunked");
    assert_int_equal(json_integer_value(json_object_get(echo, "length")), SIZE);
    assert_int_equal(json_integer_value(json_object_get(echo, "sum")), SIZE);
    assert_true(sender.calls > 10);
    json_decref(echo);
    done(&reply);
}

static void a_body_of_known_length_says_so(void **state)
{
    static const char *const headers[] = { "Content-Length: 100000", NULL };
    struct sender sender = { .left = 100000, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    what.method = "POST";
    what.headers = headers;
    what.on_send = send_piece;
    what.data = &sender;
    reply = run(&what, "/echo");
    echo = echoed(&reply);
    assert_null(sent_header(echo, "transfer-encoding"));
    assert_string_equal(sent_header(echo, "content-length"), "100000");
    assert_int_equal(json_integer_value(json_object_get(echo, "sum")), 100000);
    json_decref(echo);
    done(&reply);
}

/* What is too long would be the connection's next request, and its answer somebody else's. */
static void a_body_is_as_long_as_it_says(void **state)
{
    static const char *const headers[] = { "Content-Length: 100000", NULL };
    static const size_t lengths[] = { 99999, 100001, 5000000 };

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct sender sender = { .left = lengths[i], .thread = pthread_self() };
        struct ein_fetch what = by_operator();
        struct reply reply;

        what.method = "POST";
        what.headers = headers;
        what.on_send = send_piece;
        what.data = &sender;
        reply = run(&what, "/echo");
        assert_fails(&reply, EIN_E_INVALID, "Content-Length");
    }
}

static void a_sender_that_gives_up_stops_the_transfer(void **state)
{
    struct sender sender = { .left = SIZE_MAX, .fail = 3, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.method = "POST";
    what.on_send = send_piece;
    what.data = &sender;
    reply = run(&what, "/echo");
    assert_fails(&reply, EIN_E_CANCELLED, "sender");
}

static void a_server_may_ask_for_the_body_or_refuse_it(void **state)
{
    static const char *const headers[] = { "Expect: 100-continue", NULL };
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    what.method = "POST";
    what.headers = headers;
    what.body = "body";
    what.body_len = 4;
    reply = run(&what, "/echo");
    echo = echoed(&reply);
    assert_int_equal(json_integer_value(json_object_get(echo, "length")), 4);
    json_decref(echo);
    done(&reply);

    reply = run(&what, "/echo?refuse=1");
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 417);
    done(&reply);
}

/* ---- streaming ---- */

struct receiver {
    pthread_t thread;
    int status, heads;
    size_t len, longest, stop_at, enough_at;
    useconds_t slow_us;
    bool refuse_head, may_end;
};

static int receive_head(void *data, int status, const json_t *headers)
{
    struct receiver *receiver = data;

    assert_true(pthread_equal(pthread_self(), receiver->thread));
    assert_non_null(json_object_get(headers, "x-connection"));
    receiver->heads++;
    receiver->status = status;
    return receiver->refuse_head;
}

static int receive(void *data, const void *piece, size_t len)
{
    struct receiver *receiver = data;

    assert_true(pthread_equal(pthread_self(), receiver->thread));
    assert_int_equal(receiver->heads, 1);
    assert_non_null(piece);
    receiver->len += len;
    receiver->longest = len > receiver->longest ? len : receiver->longest;
    if (receiver->slow_us)
        (void)usleep(receiver->slow_us);
    if (receiver->enough_at && receiver->len >= receiver->enough_at)
        return EIN_FETCH_ENOUGH;
    if (receiver->may_end)
        return EIN_FETCH_MAY_END;
    return receiver->stop_at && receiver->len >= receiver->stop_at;
}

static struct ein_fetch streaming(struct receiver *receiver)
{
    struct ein_fetch what = by_operator();

    receiver->thread = pthread_self();
    what.on_head = receive_head;
    what.on_data = receive;
    what.data = receiver;
    return what;
}

static void a_slow_receiver_holds_the_sender_back_and_loses_nothing(void **state)
{
    enum { SIZE = 20 * 1024 * 1024 };
    struct receiver receiver = { .slow_us = 2000 };
    struct ein_fetch what = streaming(&receiver);
    struct reply reply;

    what.idle_ms = 1000;
    reply = run(&what, "/big?n=20971520");
    assert_ok(&reply);
    assert_int_equal(receiver.len, SIZE);
    assert_int_equal(receiver.status, 200);
    assert_null(reply.got.body);
    done(&reply);
}

static void a_receiver_says_how_long_pieces_may_be(void **state)
{
    static const struct {
        uint32_t wanted, longest;
    } rows[] = { { 0, 16384 }, { 1, 1024 }, { 2000, 2000 }, { UINT32_MAX, 16384 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct receiver receiver = { 0 };
        struct ein_fetch what = streaming(&receiver);
        struct reply reply;

        what.piece_bytes = rows[i].wanted;
        reply = run(&what, "/big?n=1000000");
        assert_ok(&reply);
        assert_int_equal(receiver.len, 1000000);
        assert_in_range(receiver.longest, 1, rows[i].longest);
        done(&reply);
    }
}

static void time_in_the_receiver_is_not_the_servers(void **state)
{
    struct receiver receiver = { .slow_us = 400 * 1000 };
    struct ein_fetch what = streaming(&receiver);
    struct reply reply;

    what.idle_ms = 200;
    reply = run(&what, "/slow-body?s=0.05");
    assert_ok(&reply);
    assert_int_equal(receiver.len, 10);
    done(&reply);
}

static void what_comes_after_enough_is_not_waited_for(void **state)
{
    static const char *const paths[] = { "/endless", "/stall", "/reset?late=1" };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct receiver receiver = { .enough_at = 1 };
        struct ein_fetch what = streaming(&receiver);
        struct reply reply = run(&what, paths[i]);

        assert_ok(&reply);
        assert_in_range(receiver.len, 1, CLIENT_RECEIVE_PIECE);
        done(&reply);
        if (i < 2) {
            reply = get("/gone");
            assert_string_equal(reply.got.body, "yes");
            done(&reply);
        }
    }
}

static void what_may_follow_the_end_is_waited_for_a_while(void **state)
{
    struct receiver stalled = { .may_end = true }, slow = { .may_end = true };
    struct ein_fetch what = streaming(&stalled);
    struct reply reply = run(&what, "/stall");

    assert_ok(&reply);
    assert_int_equal(stalled.len, strlen("some"));
    done(&reply);
    what = streaming(&slow);
    reply = run(&what, "/slow-body?s=0.15"); /* longer in all than egress.finish_ms */
    assert_ok(&reply);
    assert_int_equal(slow.len, 10);
    done(&reply);
}

static void a_reply_that_ends_behind_enough_leaves_its_connection(void **state)
{
    struct receiver receiver = { .enough_at = 1 };
    struct ein_fetch what = streaming(&receiver);
    struct reply reply = run(&what, "/chunked"), next = get("/hello");

    assert_ok(&reply);
    assert_int_equal(receiver.len, strlen("one "));
    assert_string_equal(header(&next, "x-connection"), header(&reply, "x-connection"));
    done(&reply);
    done(&next);
}

static void a_receiver_that_stops_the_transfer_ends_it(void **state)
{
    struct receiver receiver = { .stop_at = 100000 };
    struct ein_fetch what = streaming(&receiver);
    struct reply reply = run(&what, "/endless");

    assert_fails(&reply, EIN_E_CANCELLED, "receiver");
    reply = get("/gone");
    assert_string_equal(reply.got.body, "yes");
    done(&reply);

    receiver = (struct receiver){ .refuse_head = true };
    what = streaming(&receiver);
    reply = run(&what, "/hello");
    assert_fails(&reply, EIN_E_CANCELLED, "receiver");
    assert_int_equal(receiver.len, 0);
}

/* ---- limits ---- */

static void a_reply_that_is_too_long_is_refused(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.max_bytes = 1000;
    reply = run(&what, "/big?n=1001");
    assert_fails(&reply, EIN_E_TOO_LARGE, "1000 bytes");
    reply = run(&what, "/big?n=1001&hide=1");
    assert_fails(&reply, EIN_E_TOO_LARGE, "1000 bytes");
    reply = run(&what, "/big?n=1000&hide=1");
    assert_ok(&reply);
    assert_int_equal(reply.got.body_len, 1000);
    done(&reply);
}

static void a_bomb_is_stopped_by_what_comes_out_of_it(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.max_bytes = 1024 * 1024;
    reply = run(&what, "/gzip?bomb=1");
    assert_fails(&reply, EIN_E_TOO_LARGE, "1048576 bytes");
}

static void ten_megabytes_of_headers_are_refused(void **state)
{
    struct reply reply = get("/big-head");

    assert_fails(&reply, EIN_E_TOO_LARGE, "headers");
    reply = get("/big-trailer");
    assert_fails(&reply, EIN_E_TOO_LARGE, "headers");
}

static void each_phase_has_its_own_patience(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    int64_t began_ms = clock_mono_ms();

    what.first_byte_ms = 150;
    reply = run(&what, "/silent");
    assert_fails(&reply, EIN_E_TIMEOUT, "no answer within 150 ms");
    what = by_operator();
    what.idle_ms = 150;
    reply = run(&what, "/stall");
    assert_fails(&reply, EIN_E_TIMEOUT, "nothing more came within 150 ms");
    what = by_operator();
    what.total_ms = 150;
    reply = run(&what, "/slow-body?s=0.1");
    assert_fails(&reply, EIN_E_TIMEOUT, "whole fetch");
    assert_in_range(clock_mono_ms() - began_ms, 440, 100000);

    what = by_operator();
    what.idle_ms = 2500;
    reply = run(&what, "/slow-body?s=0.3");
    assert_ok(&reply);
    assert_string_equal(reply.got.body, "0123456789");
    done(&reply);
}

static void a_connection_that_is_never_made_times_out(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    what.connect_ms = 150;
    /* TEST-NET-1 leads nowhere; a machine without a route says so at once. */
    reply = run(&what, "http://192.0.2.1/");
    assert_true(reply.r == EIN_E_TIMEOUT || reply.r == EIN_E_UNAVAILABLE);
    assert_non_null(strstr(reply.err.text, "192.0.2.1"));
}

/* ---- failures ---- */

static void what_breaks_is_told_and_never_taken_for_a_reply(void **state)
{
    static const struct {
        const char *path, *text;
    } table[] = {
        { "/reset", "127.0.0.1" },
        { "/reset?late=1", "127.0.0.1" },
        { "/close", "127.0.0.1" },
        { "/truncated", "127.0.0.1" },
        { "/garbage", "127.0.0.1" },
        { "http://127.0.0.1:1/", "127.0.0.1" },
        { "http://no.such.host.invalid/", "no.such.host.invalid" },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reply reply = get(table[i].path);

        assert_fails(&reply, EIN_E_UNAVAILABLE, table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_has_status_headers_and_body),
        cmocka_unit_test(repeated_headers_are_joined_and_cookies_are_not),
        cmocka_unit_test(connections_are_kept_and_used_again),
        cmocka_unit_test(requests_of_one_connection_leave_nothing_to_each_other),
        cmocka_unit_test(a_chunked_reply_is_whole_and_its_trailer_is_no_header),
        cmocka_unit_test(an_early_hint_is_not_the_reply),
        cmocka_unit_test(a_head_request_has_no_body),
        cmocka_unit_test(a_compressed_reply_is_unpacked_unless_the_caller_asked_for_it),
        cmocka_unit_test(method_headers_and_body_arrive),
        cmocka_unit_test(nothing_is_sent_that_nobody_asked_for),
        cmocka_unit_test(a_bad_request_is_refused_before_it_is_sent),
        cmocka_unit_test(each_of_many_urls_leads_where_it_says),
        cmocka_unit_test(a_url_has_a_maximum_length),
        cmocka_unit_test(a_big_body_is_sent_in_pieces_from_the_callers_thread),
        cmocka_unit_test(a_body_of_known_length_says_so),
        cmocka_unit_test(a_body_is_as_long_as_it_says),
        cmocka_unit_test(a_sender_that_gives_up_stops_the_transfer),
        cmocka_unit_test(a_server_may_ask_for_the_body_or_refuse_it),
        cmocka_unit_test(a_slow_receiver_holds_the_sender_back_and_loses_nothing),
        cmocka_unit_test(a_receiver_says_how_long_pieces_may_be),
        cmocka_unit_test(time_in_the_receiver_is_not_the_servers),
        cmocka_unit_test(what_comes_after_enough_is_not_waited_for),
        cmocka_unit_test(what_may_follow_the_end_is_waited_for_a_while),
        cmocka_unit_test(a_reply_that_ends_behind_enough_leaves_its_connection),
        cmocka_unit_test(a_receiver_that_stops_the_transfer_ends_it),
        cmocka_unit_test(a_reply_that_is_too_long_is_refused),
        cmocka_unit_test(a_bomb_is_stopped_by_what_comes_out_of_it),
        cmocka_unit_test(ten_megabytes_of_headers_are_refused),
        cmocka_unit_test(each_phase_has_its_own_patience),
        cmocka_unit_test(a_connection_that_is_never_made_times_out),
        cmocka_unit_test(what_breaks_is_told_and_never_taken_for_a_reply),
    };

    return cmocka_run_group_tests(tests, client_world_setup, client_world_teardown);
}
