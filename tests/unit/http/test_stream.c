/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "fixture.h"
#include "stream.h"
#include <sys/socket.h>

enum { QUEUE = 8192, HEARTBEAT_MS = 200, STREAMS = 2, ENDLESS = 1000 };

/* What the handler of a test does, and what it found. */
struct work {
    int (*body)(struct ein_req *req, struct work *work);
    size_t sent; /* atomic */
    int result;
    bool early;
};

/* A request whose handler runs on a thread of its own, and its client. */
struct call {
    struct ein_req *req;
    pthread_t thread;
    int client; /* -1: it has left */
    bool ended;
    size_t len; /* of what was received */
    char text[1024 * 1024];
};

static int run(struct ein_req *req, void *self)
{
    struct work *work = self;

    work->result = work->body(req, work);
    return work->result;
}

static int setup(void **state)
{
    EIN_JSON json_t *limits = json_pack("{s:i, s:i, s:i}", "stream_queue_bytes", QUEUE,
                                        "heartbeat_ms", HEARTBEAT_MS, "streams", STREAMS);

    *state = fixture_with(limits);
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void *run_pipeline(void *data)
{
    struct ein_req *req = data;

    pipeline_run(req);
    return NULL;
}

static void begin(struct fixture *it, struct work *work, const char *method, const char *version,
                  struct call *call)
{
    const struct ein_route route = {
        .method = "GET", .path = "/s", .operation_id = "s", .flags = EIN_ROUTE_EVENTS, .handle = run
    };
    int ends[2];

    assert_int_equal(fixture_add(it, &route, work, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    call->req = fixture_begin(it, method, "/s", HEADERS("Host", "localhost"));
    call->req->head.fd = ends[0];
    call->req->head.version = version;
    call->client = ends[1];
    call->len = 0;
    call->ended = false;
    assert_int_equal(pthread_create(&call->thread, NULL, run_pipeline, call->req), 0);
}

static struct call *start(struct fixture *it, struct work *work)
{
    struct call *call = malloc(sizeof *call);

    begin(it, work, "GET", "HTTP/1.1", call);
    return call;
}

/* Everything until the end, NUL-ended. */
static const char *receive(struct call *call)
{
    ssize_t len;

    while ((len = recv(call->client, call->text + call->len, sizeof call->text - 1 - call->len,
                       0)) > 0)
        call->len += (size_t)len;
    call->text[call->len] = '\0';
    return call->text;
}

static void wait_for(struct call *call)
{
    if (!call->ended)
        (void)pthread_join(call->thread, NULL);
    call->ended = true;
}

static void leave(struct call *call)
{
    (void)close(call->client);
    call->client = -1;
}

static void finish(struct call *call)
{
    wait_for(call);
    if (call->client >= 0)
        leave(call);
    (void)close(call->req->head.fd);
    request_done(call->req);
    free(call);
}

/* What the chunks hold. */
static const char *content(struct call *call)
{
    char *from = strstr(call->text, "\r\n\r\n"), *to = call->text;
    size_t len;

    assert_non_null(from);
    from += 4;
    do {
        len = strtoul(from, &from, 16);
        assert_memory_equal(from, "\r\n", 2);
        memmove(to, from + 2, len);
        to += len;
        from += 2 + len;
        assert_memory_equal(from, "\r\n", 2);
        from += 2;
    } while (len > 0);
    *to = '\0';
    call->len = (size_t)(to - call->text);
    return call->text;
}

/* ---- what is sent ---- */

static int send_one(struct ein_req *req, struct work *work)
{
    return stream_send_event(req, "7", "trace", json_pack("{s:s}", "a", "\n"));
}

static void test_an_event_is_framed_in_lines(void **state)
{
    static const char wanted[] = "id: 7\nevent: trace\ndata: {\"a\":\"\\n\"}\n\n";
    struct work work = { .body = send_one };
    struct call *call = start(*state, &work);

    (void)receive(call);
    assert_string_equal(content(call), wanted);
    wait_for(call);
    assert_int_equal(call->req->reply.len, sizeof(wanted) - 1);
    finish(call);
}

static int send_with_headers(struct ein_req *req, struct work *work)
{
    (void)reply_set_header(req, "X-Mine", "yes");
    (void)reply_set_cookie(req, "gone", "", 0, EIN_COOKIE_STRICT);
    (void)reply_set_cookie(req, "kept", "v", 60, EIN_COOKIE_HTTP_ONLY | EIN_COOKIE_SECURE);
    return stream_send_bytes(req, "a", 1);
}

static void test_the_head_has_what_every_reply_has(void **state)
{
    static const char *const wanted[] = {
        "HTTP/1.1 200 OK\r\n",
        "\r\nDate: ",
        " GMT\r\n",
        "\r\nConnection: close\r\n",
        "\r\nTransfer-Encoding: chunked\r\n",
        "\r\nContent-Type: text/event-stream; charset=utf-8\r\n",
        "\r\nCache-Control: no-cache\r\n",
        "\r\nX-Accel-Buffering: no\r\n",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nX-Request-ID: ",
        "\r\nX-Mine: yes\r\n",
        "\r\nSet-Cookie: gone=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; SameSite=Strict\r\n",
        "\r\nSet-Cookie: kept=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax\r\n",
    };
    struct work work = { .body = send_with_headers };
    struct call *call = start(*state, &work);
    const char *head = receive(call);

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!strstr(head, wanted[i]))
            fail_msg("no '%s' in %s", wanted[i], head);
    finish(call);
}

static void test_http_1_0_knows_no_chunks(void **state)
{
    struct work work = { .body = send_one };
    struct call *call = malloc(sizeof *call);
    const char *text;

    begin(*state, &work, "GET", "HTTP/1.0", call);
    text = receive(call);
    assert_null(strstr(text, "Transfer-Encoding"));
    assert_string_equal(strstr(text, "\r\n\r\n"),
                        "\r\n\r\nid: 7\nevent: trace\ndata: {\"a\":\"\\n\"}\n\n");
    finish(call);
}

static int send_two(struct ein_req *req, struct work *work)
{
    assert_int_equal(send_one(req, work), EIN_E_CANCELLED);
    return send_one(req, work);
}

static int wait_for_a_beat(struct ein_req *req, struct work *work)
{
    (void)stream_beat_early(req, 1);
    (void)usleep(3 * HEARTBEAT_MS * 1000);
    return send_one(req, work);
}

static void expect_head(struct fixture *it, int (*body)(struct ein_req *req, struct work *work))
{
    struct work work = { .body = body };
    struct call *call = malloc(sizeof *call);

    begin(it, &work, "HEAD", "HTTP/1.1", call);
    (void)receive(call);
    assert_ptr_equal(strstr(call->text, "\r\n\r\n"), call->text + call->len - 4);
    finish(call);
    assert_int_equal(work.result, EIN_E_CANCELLED);
}

static void test_who_asks_for_the_head_has_no_more(void **state)
{
    expect_head(*state, send_two);
}

static void test_nor_a_heartbeat(void **state)
{
    expect_head(*state, wait_for_a_beat);
}

static int send_bad(struct ein_req *req, struct work *work)
{
    assert_int_equal(stream_send_event(req, "a\nb", NULL, json_object()), EIN_E_INVALID);
    assert_int_equal(stream_send_event(req, NULL, "a\rb", json_object()), EIN_E_INVALID);
    assert_int_equal(stream_send_event(req, NULL, NULL, NULL), EIN_E_INVALID);
    assert_int_equal(stream_send_bytes(req, "", 0), 0);
    return reply_fail(req, 400, "bad");
}

static void test_names_that_could_forge_an_event_are_refused(void **state)
{
    struct work work = { .body = send_bad };
    struct call *call = start(*state, &work);

    wait_for(call);
    assert_false(call->req->reply.sent);
    assert_int_equal(call->req->reply.status, 400);
    assert_int_equal(recv(call->client, call->text, 1, MSG_DONTWAIT), -1);
    finish(call);
}

static int fail_late(struct ein_req *req, struct work *work)
{
    (void)stream_send_bytes(req, "a", 1);
    assert_int_equal(reply_set_header(req, "X-Late", "1"), EIN_E_INVALID);
    return reply_fail(req, 500, "too late");
}

static void test_what_has_been_sent_is_not_taken_back(void **state)
{
    struct work work = { .body = fail_late };
    struct call *call = start(*state, &work);

    (void)receive(call);
    assert_int_equal(strncmp(call->text, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_string_equal(content(call), "a");
    finish(call);
}

/* ---- slow clients, and those that leave ---- */

static int send_many(struct ein_req *req, struct work *work)
{
    char piece[1000];
    int r = 0;

    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < ENDLESS && r >= 0; i++) {
        r = stream_send_bytes(req, piece, sizeof(piece));
        if (r >= 0)
            (void)__atomic_add_fetch(&work->sent, sizeof(piece), __ATOMIC_RELAXED);
    }
    return r;
}

/* Until the handler has been waiting for its client. */
static size_t wait_until_stuck(const struct work *work)
{
    size_t before, now = 0;

    do {
        before = now;
        (void)usleep(20 * 1000);
        now = __atomic_load_n(&work->sent, __ATOMIC_RELAXED);
    } while (now == 0 || now != before);
    return now;
}

static void test_a_handler_waits_while_its_client_takes_nothing(void **state)
{
    struct work work = { .body = send_many };
    struct call *call = start(*state, &work);

    assert_true(wait_until_stuck(&work) < 20 * QUEUE);
    (void)receive(call);
    (void)content(call);
    assert_int_equal(call->len, ENDLESS * 1000);
    assert_int_equal(strspn(call->text, "x"), call->len);
    finish(call);
    assert_int_equal(work.result, 0);
}

static int send_large(struct ein_req *req, struct work *work)
{
    EIN_FREE char *piece = malloc(50 * QUEUE);

    memset(piece, 'y', 50 * QUEUE);
    return stream_send_bytes(req, piece, 50 * QUEUE);
}

static void test_a_piece_may_be_larger_than_the_queue(void **state)
{
    struct work work = { .body = send_large };
    struct call *call = start(*state, &work);

    (void)receive(call);
    (void)content(call);
    assert_int_equal(call->len, 50 * QUEUE);
    assert_int_equal(strspn(call->text, "y"), call->len);
    finish(call);
}

static void test_a_handler_that_waits_learns_that_its_client_has_left(void **state)
{
    struct work work = { .body = send_many };
    struct call *call = start(*state, &work);

    (void)wait_until_stuck(&work);
    leave(call);
    finish(call);
    assert_int_equal(work.result, EIN_E_CANCELLED);
}

static int say_nothing(struct ein_req *req, struct work *work)
{
    cancel_fire(request_cancel(req));
    assert_int_equal(stream_send_bytes(req, "a", 1), EIN_E_CANCELLED);
    return 200;
}

static void test_who_left_before_anything_was_sent_is_owed_nothing(void **state)
{
    struct work work = { .body = say_nothing };
    struct call *call = start(*state, &work);

    wait_for(call);
    assert_int_equal(call->req->reply.status, 499);
    finish(call);
}

static void test_stopping_ends_a_stream_that_waits_for_its_client(void **state)
{
    struct fixture *it = *state;
    struct work work = { .body = send_many };
    struct call *call = start(it, &work);

    (void)wait_until_stuck(&work);
    watch_fire_all(it->http->watch);
    wait_for(call);
    assert_int_equal(work.result, EIN_E_CANCELLED);
    finish(call);
}

/* ---- silence ---- */

static int pause_between(struct ein_req *req, struct work *work)
{
    int r = stream_send_event(req, NULL, NULL, json_object());

    (void)usleep(HEARTBEAT_MS * 1000 * 10);
    return r < 0 ? r : stream_send_event(req, NULL, NULL, json_object());
}

static void test_silence_is_filled_with_heartbeats(void **state)
{
    struct work work = { .body = pause_between };
    struct call *call = start(*state, &work);
    int beats = 0;

    (void)receive(call);
    for (const char *at = content(call); (at = strstr(at, ": heartbeat\n\n")); at++)
        beats++;
    assert_true(beats >= 1);
    assert_int_equal(strncmp(call->text, "data: {}\n\n: heartbeat\n\n", 23), 0);
    finish(call);
}

static int be_late(struct ein_req *req, struct work *work)
{
    (void)stream_beat_early(req, work->early);
    (void)usleep(HEARTBEAT_MS * 1000 * 10);
    if (stream_beat_early(req, false) == 0)
        return reply_fail(req, 503, "not now");
    assert_int_equal(reply_set_header(req, "X-Late", "1"), EIN_E_INVALID);
    return stream_send_event(req, NULL, NULL, json_object());
}

static void test_a_heartbeat_begins_a_stream_where_it_may(void **state)
{
    struct work work = { .body = be_late, .early = true };
    struct call *call = start(*state, &work);

    (void)receive(call);
    assert_int_equal(strncmp(call->text, "HTTP/1.1 200 ", 13), 0);
    assert_non_null(strstr(call->text, "\r\nContent-Type: text/event-stream"));
    assert_null(strstr(call->text, "X-Late"));
    assert_int_equal(strncmp(content(call), ": heartbeat\n\n", 13), 0);
    assert_string_equal(call->text + call->len - 10, "data: {}\n\n");
    finish(call);
}

static void test_elsewhere_a_handler_may_fail_however_late(void **state)
{
    struct work work = { .body = be_late };
    struct call *call = start(*state, &work);

    wait_for(call);
    assert_int_equal(call->req->reply.status, 503);
    assert_false(call->req->reply.sent);
    finish(call);
}

static int pause_in_event(struct ein_req *req, struct work *work)
{
    (void)stream_send_bytes(req, "data: half", 10);
    (void)usleep(HEARTBEAT_MS * 1000 * 5 / 2);
    return stream_send_bytes(req, "\n\n", 2);
}

static void test_no_heartbeat_breaks_an_event(void **state)
{
    struct work work = { .body = pause_in_event };
    struct call *call = start(*state, &work);

    (void)receive(call);
    assert_string_equal(content(call), "data: half\n\n");
    finish(call);
}

static int pause_while_full(struct ein_req *req, struct work *work)
{
    char piece[1000];
    int r = 0;

    memset(piece, 'x', sizeof(piece));
    memcpy(piece + sizeof(piece) - 2, "\n\n", 2);
    for (int i = 0; i < ENDLESS && r >= 0; i++) {
        r = stream_send_bytes(req, piece, sizeof(piece));
        if (i == 0)
            (void)usleep(HEARTBEAT_MS * 1000 * 3 / 2);
        (void)__atomic_add_fetch(&work->sent, sizeof(piece), __ATOMIC_RELAXED);
    }
    return r;
}

static void test_heartbeats_and_a_slow_client_leave_every_chunk_whole(void **state)
{
    struct work work = { .body = pause_while_full };
    struct call *call = start(*state, &work);
    size_t lines = 0;

    (void)wait_until_stuck(&work);
    (void)usleep(HEARTBEAT_MS * 1000 * 3 / 2);
    (void)receive(call);
    for (const char *at = content(call); (at = strstr(at, "x\n\n")); at++)
        lines++;
    assert_int_equal(lines, ENDLESS);
    finish(call);
}

/* ---- how many ---- */

static void test_as_many_streams_run_as_may(void **state)
{
    struct fixture *it = *state;
    struct work work = { .body = send_one };
    struct call *call;

    assert_true(http_enter_stream(it->http, STREAMS));
    assert_true(http_enter_stream(it->http, STREAMS));
    call = start(it, &work);
    wait_for(call);
    assert_false(call->req->reply.sent);
    assert_int_equal(call->req->reply.status, 503);
    assert_non_null(reply_header(call->req, "Retry-After"));
    http_leave_stream(it->http);
    finish(call);
    http_leave_stream(it->http);
    assert_int_equal(gate_inside(&it->gate), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_is_framed_in_lines),
        TEST(test_the_head_has_what_every_reply_has),
        TEST(test_http_1_0_knows_no_chunks),
        TEST(test_who_asks_for_the_head_has_no_more),
        TEST(test_nor_a_heartbeat),
        TEST(test_names_that_could_forge_an_event_are_refused),
        TEST(test_what_has_been_sent_is_not_taken_back),
        TEST(test_a_handler_waits_while_its_client_takes_nothing),
        TEST(test_a_piece_may_be_larger_than_the_queue),
        TEST(test_a_handler_that_waits_learns_that_its_client_has_left),
        TEST(test_who_left_before_anything_was_sent_is_owed_nothing),
        TEST(test_stopping_ends_a_stream_that_waits_for_its_client),
        TEST(test_silence_is_filled_with_heartbeats),
        TEST(test_a_heartbeat_begins_a_stream_where_it_may),
        TEST(test_elsewhere_a_handler_may_fail_however_late),
        TEST(test_no_heartbeat_breaks_an_event),
        TEST(test_heartbeats_and_a_slow_client_leave_every_chunk_whole),
        TEST(test_as_many_streams_run_as_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
