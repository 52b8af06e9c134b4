/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "cancel.h"
#include "clock.h"
#include "metrics.h"
#include "upstream.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the four it needs */
#include <cmocka.h>

static struct upstream upstream;
static struct client *client;

struct reply {
    int r;
    struct ein_fetched got;
    struct ein_error err;
};

static struct reply run(struct ein_fetch *what, const char *path)
{
    struct reply reply = { .got = { .struct_size = sizeof reply.got } };
    char url[CLIENT_URL_MAX + 64];

    if (path[0] == '/')
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", upstream.port, path);
    else
        (void)snprintf(url, sizeof url, "%s", path);
    what->struct_size = sizeof *what;
    what->url = url;
    reply.r = client_fetch(client, what, &reply.got, &reply.err);
    what->url = NULL;
    return reply;
}

static struct ein_fetch by_operator(void)
{
    return (struct ein_fetch){ .egress = EIN_EGRESS_OPERATOR };
}

static struct reply get(const char *path)
{
    struct ein_fetch what = by_operator();

    return run(&what, path);
}

static void done(struct reply *reply)
{
    json_decref(reply->got.headers);
    free(reply->got.body);
}

static const char *header(const struct reply *reply, const char *name)
{
    return json_string_value(json_object_get(reply->got.headers, name));
}

static void assert_ok(const struct reply *reply)
{
    if (reply->r != 0)
        fail_msg("%d: %s", reply->r, reply->err.text);
}

static void assert_fails(const struct reply *reply, int code, const char *text)
{
    if (reply->r != code || reply->err.code != code || !strstr(reply->err.text, text))
        fail_msg("%d, '%s' instead of %d, '%s'", reply->r, reply->err.text, code, text);
    assert_null(reply->got.body);
    assert_null(reply->got.headers);
}

/* ---- replies ---- */

static void a_reply_has_status_headers_and_body(void **state)
{
    struct reply reply = get("/hello");

    (void)state;
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

    (void)state;
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

    (void)state;
    assert_ok(&first);
    assert_ok(&second);
    assert_string_equal(header(&first, "x-connection"), header(&second, "x-connection"));
    assert_int_equal(atoi(header(&second, "x-request")), atoi(header(&first, "x-request")) + 1);
    done(&first);
    done(&second);
}

static void a_chunked_reply_is_whole_and_its_trailer_is_no_header(void **state)
{
    struct reply reply = get("/chunked");

    (void)state;
    assert_ok(&reply);
    assert_string_equal(reply.got.body, "one two three");
    assert_null(json_object_get(reply.got.headers, "x-after"));
    done(&reply);
}

static void an_early_hint_is_not_the_reply(void **state)
{
    struct reply reply = get("/early");

    (void)state;
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

    (void)state;
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

    (void)state;
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

static json_t *echoed(const struct reply *reply)
{
    json_t *json;

    assert_ok(reply);
    assert_int_equal(reply->got.status, 200);
    json = json_loads(reply->got.body, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *sent_header(const json_t *echo, const char *name)
{
    const json_t *pair;
    size_t i;

    json_array_foreach(json_object_get(echo, "headers"), i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return NULL;
}

static void method_headers_and_body_arrive(void **state)
{
    static const char *const headers[] = { "Content-Type: application/json", "X-Mine: yes",
                                           "X-Empty:", "Connection: close", NULL };
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    (void)state;
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

    (void)state;
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

    (void)state;
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

static void a_url_has_a_maximum_length(void **state)
{
    char *url = malloc(CLIENT_URL_MAX + 2);
    struct reply reply;

    (void)state;
    memset(url, 'a', CLIENT_URL_MAX + 1);
    url[CLIENT_URL_MAX + 1] = '\0';
    memcpy(url, "http://h/", 9);
    reply = get(url);
    assert_fails(&reply, EIN_E_INVALID, "longer than");
    free(url);
}

struct sender {
    size_t left, calls;
    int64_t fail; /* instead of a piece, once this many calls were made */
    pthread_t thread;
};

static int64_t send_piece(void *data, void *piece, size_t size)
{
    struct sender *sender = data;
    size_t len = sender->left < size ? sender->left : size;

    assert_true(pthread_equal(pthread_self(), sender->thread));
    if (sender->fail && sender->calls >= (size_t)sender->fail)
        return -1;
    sender->calls++;
    memset(piece, 1, len);
    sender->left -= len;
    return (int64_t)len;
}

static void a_big_body_is_sent_in_pieces_from_the_callers_thread(void **state)
{
    enum { SIZE = 5 * 1024 * 1024 + 3 };
    struct sender sender = { .left = SIZE, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;
    json_t *echo;

    (void)state;
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

    (void)state;
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

static void a_sender_that_gives_up_stops_the_transfer(void **state)
{
    struct sender sender = { .left = SIZE_MAX, .fail = 3, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;

    (void)state;
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

    (void)state;
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
    size_t len, stop_at;
    useconds_t slow_us;
    bool refuse_head;
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
    if (receiver->slow_us)
        (void)usleep(receiver->slow_us);
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

    (void)state;
    what.idle_ms = 1000;
    reply = run(&what, "/big?n=20971520");
    assert_ok(&reply);
    assert_int_equal(receiver.len, SIZE);
    assert_int_equal(receiver.status, 200);
    assert_null(reply.got.body);
    done(&reply);
}

static void time_in_the_receiver_is_not_the_servers(void **state)
{
    struct receiver receiver = { .slow_us = 400 * 1000 };
    struct ein_fetch what = streaming(&receiver);
    struct reply reply;

    (void)state;
    what.idle_ms = 200;
    reply = run(&what, "/slow-body?s=0.05");
    assert_ok(&reply);
    assert_int_equal(receiver.len, 10);
    done(&reply);
}

static void a_receiver_that_has_enough_stops_the_transfer(void **state)
{
    struct receiver receiver = { .stop_at = 100000 };
    struct ein_fetch what = streaming(&receiver);
    struct reply reply = run(&what, "/endless");

    (void)state;
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

    (void)state;
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

    (void)state;
    what.max_bytes = 1024 * 1024;
    reply = run(&what, "/gzip?bomb=1");
    assert_fails(&reply, EIN_E_TOO_LARGE, "1048576 bytes");
}

static void ten_megabytes_of_headers_are_refused(void **state)
{
    struct reply reply = get("/big-head");

    (void)state;
    assert_fails(&reply, EIN_E_TOO_LARGE, "headers");
}

static void each_phase_has_its_own_patience(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    int64_t began_ms = clock_mono_ms();

    (void)state;
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
    assert_in_range(clock_mono_ms() - began_ms, 440, 3000);

    what = by_operator();
    what.idle_ms = 500;
    reply = run(&what, "/slow-body?s=0.1");
    assert_ok(&reply);
    assert_string_equal(reply.got.body, "0123456789");
    done(&reply);
}

static void a_connection_that_is_never_made_times_out(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    (void)state;
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

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reply reply = get(table[i].path);

        assert_fails(&reply, EIN_E_UNAVAILABLE, table[i].text);
    }
}

/* ---- redirects ---- */

static void redirects_are_followed_as_far_as_asked(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply = run(&what, "/redirect?n=2");

    (void)state;
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 302);
    assert_string_equal(header(&reply, "location"), "/redirect?n=1");
    done(&reply);

    what.max_redirects = 2;
    reply = run(&what, "/redirect?n=2");
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 200);
    assert_string_equal(reply.got.body, "hello");
    done(&reply);

    reply = run(&what, "/redirect?n=3");
    assert_fails(&reply, EIN_E_UNAVAILABLE, "more than 2 redirects");
    what.max_redirects = UINT32_MAX;
    reply = run(&what, "/loop");
    assert_fails(&reply, EIN_E_UNAVAILABLE, "more than 20 redirects");
    reply = run(&what, "/no-location");
    assert_ok(&reply);
    assert_int_equal(reply.got.status, 302);
    done(&reply);
}

static json_t *redirected_post(int status, const char *host, struct reply *ret_reply)
{
    static const char *const headers[] = { "Authorization: Bearer s3cret",
                                           "X-Api-Key: k",
                                           "Cookie: a=b",
                                           "X-Mine: yes",
                                           "Content-Type: text/plain",
                                           NULL };
    struct ein_fetch what = by_operator();
    char path[128];

    what.method = "POST";
    what.headers = headers;
    what.body = "body";
    what.body_len = 4;
    what.max_redirects = 1;
    (void)snprintf(path, sizeof path, "/to?status=%d&url=http://%s:%d/echo", status, host,
                   upstream.port);
    *ret_reply = run(&what, path);
    return echoed(ret_reply);
}

static void a_redirect_keeps_or_drops_the_body_as_its_status_says(void **state)
{
    static const struct {
        int status;
        const char *method;
        int length;
    } table[] = { { 301, "GET", 0 },
                  { 302, "GET", 0 },
                  { 303, "GET", 0 },
                  { 307, "POST", 4 },
                  { 308, "POST", 4 } };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reply reply;
        json_t *echo = redirected_post(table[i].status, "127.0.0.1", &reply);

        assert_string_equal(json_string_value(json_object_get(echo, "method")), table[i].method);
        assert_int_equal(json_integer_value(json_object_get(echo, "length")), table[i].length);
        assert_int_equal(sent_header(echo, "content-type") != NULL, table[i].length > 0);
        assert_string_equal(sent_header(echo, "authorization"), "Bearer s3cret");
        json_decref(echo);
        done(&reply);
    }
}

static void another_origin_gets_no_credentials(void **state)
{
    struct reply reply;
    json_t *echo = redirected_post(307, "localhost", &reply);

    (void)state;
    assert_null(sent_header(echo, "authorization"));
    assert_null(sent_header(echo, "x-api-key"));
    assert_null(sent_header(echo, "cookie"));
    assert_string_equal(sent_header(echo, "x-mine"), "yes");
    json_decref(echo);
    done(&reply);
}

static void a_redirect_to_another_scheme_is_refused(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;

    (void)state;
    what.max_redirects = 3;
    reply = run(&what, "/to?url=file:///etc/passwd");
    assert_fails(&reply, EIN_E_INVALID, "http");
}

static void a_body_in_pieces_is_not_sent_twice(void **state)
{
    struct sender sender = { .left = 10, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;

    (void)state;
    what.method = "POST";
    what.on_send = send_piece;
    what.data = &sender;
    what.max_redirects = 1;
    reply = run(&what, "/to?status=307&url=/echo");
    assert_fails(&reply, EIN_E_UNSUPPORTED, "sent again");
}

/* ---- egress ---- */

static void the_public_reaches_no_address_inside(void **state)
{
    static const char *const urls[] = {
        "http://127.0.0.1/",
        "http://localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://172.20.0.1/",
        "http://100.64.1.1/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:7f00:1::]/",
        "http://255.255.255.255/",
        "http://224.0.0.1/",
        "http://user@1.1.1.1/",
        "http://user:pass@1.1.1.1/",
    };
    struct ein_fetch what = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct reply reply = run(&what, urls[i]);

        if (reply.r != EIN_E_DENIED)
            fail_msg("%s: %d %s", urls[i], reply.r, reply.err.text);
    }
}

static void the_refusal_of_a_name_is_about_where_it_leads(void **state)
{
    struct ein_fetch what = { 0 };
    struct reply reply = run(&what, "http://localhost:9/");

    (void)state;
    assert_fails(&reply, EIN_E_DENIED, "localhost: ");
    assert_non_null(strstr(reply.err.text, "loopback"));
    assert_non_null(strstr(reply.err.text, "egress.allow"));
}

static void set_allow(const char *allow)
{
    json_t *settings = json_pack("{s: o}", "allow", json_loads(allow, 0, NULL));
    struct ein_error err;

    assert_int_equal(client_reload(client, settings, &err), 0);
    json_decref(settings);
}

static void a_redirect_inward_is_refused_at_the_hop(void **state)
{
    struct ein_fetch what = { .max_redirects = 5 };
    struct reply reply;

    (void)state;
    set_allow("[\"127.0.0.1\"]");
    reply = run(&what, "/to?url=http://169.254.169.254/");
    assert_fails(&reply, EIN_E_DENIED, "169.254.169.254");
    reply = run(&what, "/to?url=http://user:pass@127.0.0.1/");
    assert_fails(&reply, EIN_E_DENIED, "user name");
    reply = run(&what, "/redirect?n=2");
    assert_ok(&reply);
    done(&reply);
    set_allow("[]");
}

static void the_operator_may_allow_a_host_by_name(void **state)
{
    struct ein_fetch what = { 0 };
    struct reply reply;
    char url[64];

    (void)state;
    set_allow("[\"localhost\"]");
    (void)snprintf(url, sizeof url, "http://localhost:%d/hello", upstream.port);
    reply = run(&what, url);
    assert_ok(&reply);
    done(&reply);
    reply = run(&what, "/hello");
    assert_fails(&reply, EIN_E_DENIED, "127.0.0.1");
    set_allow("[]");
}

/* A connection of the operator's in the pool must not carry anybody else's request. */
static void a_pooled_connection_is_checked_like_a_new_one(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply;
    char url[64];

    (void)state;
    (void)snprintf(url, sizeof url, "http://localhost:%d/hello", upstream.port);
    reply = run(&what, url);
    assert_ok(&reply);
    done(&reply);
    what.egress = EIN_EGRESS_PUBLIC;
    reply = run(&what, url);
    assert_fails(&reply, EIN_E_DENIED, "loopback");
}

static void the_public_may_not_name_another_host(void **state)
{
    static const char *const headers[] = { "Host: internal.example", NULL };
    struct ein_fetch what = { .headers = headers };
    struct reply reply;
    json_t *echo;

    (void)state;
    set_allow("[\"127.0.0.1\"]");
    reply = run(&what, "/echo");
    echo = echoed(&reply);
    assert_int_equal(strncmp(sent_header(echo, "host"), "127.0.0.1:", 10), 0);
    json_decref(echo);
    done(&reply);
    set_allow("[]");
}

static void the_environment_names_no_proxy(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    reply = get("/hello");
    assert_ok(&reply);
    done(&reply);
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void a_configured_proxy_is_asked_and_private_names_are_still_refused(void **state)
{
    struct ein_fetch what = { 0 };
    json_t *settings;
    struct reply reply;
    struct ein_error err;
    char proxy[64];

    (void)state;
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", upstream.port);
    settings = json_pack("{s: s}", "proxy", proxy);
    assert_int_equal(client_reload(client, settings, &err), 0);
    json_decref(settings);
    reply = run(&what, "http://8.8.8.8/hello");
    assert_ok(&reply);
    assert_string_equal(reply.got.body, "hello");
    done(&reply);
    reply = run(&what, "http://localhost/hello");
    assert_fails(&reply, EIN_E_DENIED, "loopback");
    set_allow("[]");
}

/* ---- cancelling ---- */

struct later {
    struct ein_cancel *cancel;
    useconds_t after_us;
};

static void *fire_later(void *data)
{
    const struct later *later = data;

    (void)usleep(later->after_us);
    cancel_fire(later->cancel);
    return NULL;
}

static struct reply run_cancelled(struct ein_fetch *what, const char *path, useconds_t after_us)
{
    struct ein_cancel *cancel = cancel_new(NULL);
    struct later later = { cancel, after_us };
    struct reply reply;
    pthread_t thread;
    int64_t began_ms = clock_mono_ms();

    what->cancel = cancel;
    assert_int_equal(pthread_create(&thread, NULL, fire_later, &later), 0);
    reply = run(what, path);
    (void)pthread_join(thread, NULL);
    assert_in_range(clock_mono_ms() - began_ms, 0, after_us / 1000 + 1000);
    cancel_free(cancel);
    return reply;
}

static void a_fetch_is_cancelled_in_every_phase(void **state)
{
    static const char *const paths[] = { "http://192.0.2.1/", "/silent", "/stall",
                                         "/slow-head?s=0.5", "/endless" };

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct ein_fetch what = by_operator();
        struct reply reply;

        what.max_bytes = UINT64_MAX / 4;
        reply = run_cancelled(&what, paths[i], 50 * 1000);
        if (reply.r == EIN_E_UNAVAILABLE && i == 0)
            continue; /* no route at all: it ended before it could be cancelled */
        assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    }
}

static void an_upload_is_cancelled(void **state)
{
    struct sender sender = { .left = SIZE_MAX, .thread = pthread_self() };
    struct ein_fetch what = by_operator();
    struct reply reply;

    (void)state;
    what.method = "POST";
    what.on_send = send_piece;
    what.data = &sender;
    reply = run_cancelled(&what, "/silent", 50 * 1000);
    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
}

static void the_server_sees_that_a_cancelled_client_has_left(void **state)
{
    struct ein_fetch what = by_operator();
    struct reply reply = run_cancelled(&what, "/silent", 20 * 1000);

    (void)state;
    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    reply = get("/gone");
    assert_string_equal(reply.got.body, "yes");
    done(&reply);
}

static void what_is_cancelled_already_is_not_sent(void **state)
{
    struct ein_cancel *cancel = cancel_new(NULL);
    struct ein_fetch what = by_operator();
    struct reply reply;

    (void)state;
    cancel_fire(cancel);
    what.cancel = cancel;
    reply = run(&what, "/slow-head?s=1");
    assert_fails(&reply, EIN_E_CANCELLED, "cancelled");
    cancel_free(cancel);
}

/* ---- together ---- */

static void *fetch_many(void *data)
{
    bool *failed = data;

    for (int i = 0; i < 40; i++) {
        struct reply reply = get(i % 4 ? "/hello" : "/big?n=300000");

        if (reply.r != 0)
            *failed = true;
        done(&reply);
    }
    return NULL;
}

static void many_threads_fetch_at_once(void **state)
{
    pthread_t threads[16];
    bool failed[16] = { false };

    (void)state;
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fetch_many, &failed[i]), 0);
    for (size_t i = 0; i < 16; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_false(failed[i]);
    }
}

static void an_older_callers_structs_are_read_and_written_only_as_far_as_they_go(void **state)
{
    struct {
        struct ein_fetched got;
        unsigned char after[16];
    } box = { .got = { .struct_size = offsetof(struct ein_fetched, body) } };
    struct ein_fetch what = by_operator();
    char url[64];

    (void)state;
    memset(&box.got.body, 0xee, sizeof box.got - offsetof(struct ein_fetched, body));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", upstream.port);
    what.url = url;
    what.struct_size = offsetof(struct ein_fetch, on_send);
    what.on_send = (int64_t(*)(void *, void *, size_t))1;
    what.on_data = (int (*)(void *, const void *, size_t))1;
    assert_int_equal(client_fetch(client, &what, &box.got, NULL), 0);
    assert_int_equal(box.got.status, 200);
    assert_int_equal(((unsigned char *)&box.got.body)[0], 0xee);
    json_decref(box.got.headers);
}

static void fetches_are_counted_by_outcome(void **state)
{
    struct metrics *metrics;
    struct client *counted;
    struct ein_error err;
    struct ein_fetched got = { .struct_size = sizeof got };
    struct ein_fetch what = { .struct_size = sizeof what, .url = "http://127.0.0.1/" };
    char *text;

    (void)state;
    assert_int_equal(metrics_new(&metrics), 0);
    assert_int_equal(client_new(NULL, NULL, 0, metrics, &counted, &err), 0);
    assert_int_equal(client_fetch(counted, &what, &got, &err), EIN_E_DENIED);
    assert_int_equal(metrics_text(metrics, &text, &err), 0);
    assert_non_null(strstr(text, "einion_fetches_total{outcome=\"denied\"} 1\n"));
    free(text);
    client_free(counted);
    metrics_free(metrics);
}

static int start(void **state)
{
    struct ein_error err;

    (void)state;
    return upstream_start(&upstream) < 0 ? -1 : client_new(NULL, NULL, 0, NULL, &client, &err);
}

static int stop(void **state)
{
    (void)state;
    client_free(client);
    upstream_stop(&upstream);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_has_status_headers_and_body),
        cmocka_unit_test(repeated_headers_are_joined_and_cookies_are_not),
        cmocka_unit_test(connections_are_kept_and_used_again),
        cmocka_unit_test(a_chunked_reply_is_whole_and_its_trailer_is_no_header),
        cmocka_unit_test(an_early_hint_is_not_the_reply),
        cmocka_unit_test(a_head_request_has_no_body),
        cmocka_unit_test(a_compressed_reply_is_unpacked_unless_the_caller_asked_for_it),
        cmocka_unit_test(method_headers_and_body_arrive),
        cmocka_unit_test(nothing_is_sent_that_nobody_asked_for),
        cmocka_unit_test(a_bad_request_is_refused_before_it_is_sent),
        cmocka_unit_test(a_url_has_a_maximum_length),
        cmocka_unit_test(a_big_body_is_sent_in_pieces_from_the_callers_thread),
        cmocka_unit_test(a_body_of_known_length_says_so),
        cmocka_unit_test(a_sender_that_gives_up_stops_the_transfer),
        cmocka_unit_test(a_server_may_ask_for_the_body_or_refuse_it),
        cmocka_unit_test(a_slow_receiver_holds_the_sender_back_and_loses_nothing),
        cmocka_unit_test(time_in_the_receiver_is_not_the_servers),
        cmocka_unit_test(a_receiver_that_has_enough_stops_the_transfer),
        cmocka_unit_test(a_reply_that_is_too_long_is_refused),
        cmocka_unit_test(a_bomb_is_stopped_by_what_comes_out_of_it),
        cmocka_unit_test(ten_megabytes_of_headers_are_refused),
        cmocka_unit_test(each_phase_has_its_own_patience),
        cmocka_unit_test(a_connection_that_is_never_made_times_out),
        cmocka_unit_test(what_breaks_is_told_and_never_taken_for_a_reply),
        cmocka_unit_test(redirects_are_followed_as_far_as_asked),
        cmocka_unit_test(a_redirect_keeps_or_drops_the_body_as_its_status_says),
        cmocka_unit_test(another_origin_gets_no_credentials),
        cmocka_unit_test(a_redirect_to_another_scheme_is_refused),
        cmocka_unit_test(a_body_in_pieces_is_not_sent_twice),
        cmocka_unit_test(the_public_reaches_no_address_inside),
        cmocka_unit_test(the_refusal_of_a_name_is_about_where_it_leads),
        cmocka_unit_test(a_redirect_inward_is_refused_at_the_hop),
        cmocka_unit_test(the_operator_may_allow_a_host_by_name),
        cmocka_unit_test(a_pooled_connection_is_checked_like_a_new_one),
        cmocka_unit_test(the_public_may_not_name_another_host),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(a_configured_proxy_is_asked_and_private_names_are_still_refused),
        cmocka_unit_test(a_fetch_is_cancelled_in_every_phase),
        cmocka_unit_test(an_upload_is_cancelled),
        cmocka_unit_test(the_server_sees_that_a_cancelled_client_has_left),
        cmocka_unit_test(what_is_cancelled_already_is_not_sent),
        cmocka_unit_test(many_threads_fetch_at_once),
        cmocka_unit_test(an_older_callers_structs_are_read_and_written_only_as_far_as_they_go),
        cmocka_unit_test(fetches_are_counted_by_outcome),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
