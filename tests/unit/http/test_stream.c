/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "fixture.h"
#include "pipeline_inside.h"
#include "stream.h"

enum { QUEUE = 1000, HEARTBEAT_MS = 100, STREAMS = 2 };

/* What the handler of a test does, and what it found. */
struct work {
    int (*body)(struct ein_req *req, struct work *work);
    size_t sent; /* atomic */
    int result;
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

/* A request whose handler runs `work`, through the whole data path. */
static struct ein_req *start(struct fixture *it, struct work *work)
{
    const struct ein_route route = {
        .method = "GET", .path = "/s", .operation_id = "s", .flags = EIN_ROUTE_EVENTS, .handle = run
    };
    struct ein_req *req;

    assert_int_equal(fixture_add(it, &route, work, NULL), 0);
    req = fixture_begin(it, "GET", "/s", NULL);
    pipeline_run(it->pipeline, req);
    return req;
}

static size_t finish(struct ein_req *req)
{
    size_t len = stream_close(req);

    pipeline_end(req, len);
    request_done(req);
    return len;
}

static int send_one(struct ein_req *req, struct work *work)
{
    (void)work;
    return stream_send_event(req, "7", "trace", json_pack("{s:s}", "a", "\n"));
}

static void test_an_event_is_framed_in_lines(void **state)
{
    static const char wanted[] = "id: 7\nevent: trace\ndata: {\"a\":\"\\n\"}\n\n";
    struct work work = { .body = send_one };
    struct ein_req *req = start(*state, &work);
    char out[200] = "";

    assert_non_null(req->stream);
    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), sizeof(wanted) - 1);
    assert_string_equal(out, wanted);
    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), 0);
    assert_int_equal(finish(req), sizeof(wanted) - 1);
}

static int send_bad(struct ein_req *req, struct work *work)
{
    (void)work;
    assert_int_equal(stream_send_event(req, "a\nb", NULL, json_object()), EIN_E_INVALID);
    assert_int_equal(stream_send_event(req, NULL, "a\rb", json_object()), EIN_E_INVALID);
    assert_int_equal(stream_send_event(req, NULL, NULL, NULL), EIN_E_INVALID);
    return reply_fail(req, 400, "bad");
}

static void test_names_that_could_forge_an_event_are_refused(void **state)
{
    struct work work = { .body = send_bad };
    struct ein_req *req = start(*state, &work);

    assert_null(req->stream);
    assert_int_equal(req->reply.status, 400);
    request_done(req);
}

static int send_many(struct ein_req *req, struct work *work)
{
    char piece[100];
    int r = 0;

    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < 100 && r >= 0; i++) {
        r = stream_send_bytes(req, piece, sizeof(piece));
        if (r >= 0)
            (void)__atomic_add_fetch(&work->sent, sizeof(piece), __ATOMIC_RELAXED);
    }
    return r;
}

static void test_a_handler_waits_while_the_queue_is_full(void **state)
{
    struct work work = { .body = send_many };
    struct ein_req *req = start(*state, &work);
    char out[64];
    size_t got = 0;
    ssize_t r;

    (void)usleep(50 * 1000);
    assert_int_equal(__atomic_load_n(&work.sent, __ATOMIC_RELAXED), QUEUE);
    while ((r = stream_pull(req->stream, out, sizeof(out))) > 0) {
        for (ssize_t i = 0; i < r; i++)
            assert_int_equal(out[i], 'x');
        got += (size_t)r;
        assert_true(__atomic_load_n(&work.sent, __ATOMIC_RELAXED) <= got + QUEUE);
    }
    assert_int_equal(got, 100 * 100);
    assert_int_equal(finish(req), got);
    assert_int_equal(work.result, 0);
}

static int send_large(struct ein_req *req, struct work *work)
{
    EIN_FREE char *piece = calloc(1, 10 * QUEUE);

    (void)work;
    return stream_send_bytes(req, piece, 10 * QUEUE);
}

static void test_a_piece_may_be_larger_than_the_queue(void **state)
{
    struct work work = { .body = send_large };
    struct ein_req *req = start(*state, &work);
    char out[333];

    while (stream_pull(req->stream, out, sizeof(out)) > 0)
        ;
    assert_int_equal(finish(req), 10 * QUEUE);
}

static void test_a_handler_that_waits_for_room_learns_that_its_client_has_left(void **state)
{
    struct work work = { .body = send_many };
    struct ein_req *req = start(*state, &work);

    assert_int_equal(finish(req), 0);
    assert_int_equal(work.result, EIN_E_CANCELLED);
}

static void test_stopping_ends_a_stream_with_what_was_queued(void **state)
{
    struct fixture *it = *state;
    struct work work = { .body = send_many };
    struct ein_req *req = start(it, &work);
    char out[QUEUE * 2];

    (void)usleep(20 * 1000);
    pipeline_cancel_all(it->pipeline);
    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), QUEUE);
    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), 0);
    (void)finish(req);
    assert_int_equal(work.result, EIN_E_CANCELLED);
}

static int pause_between(struct ein_req *req, struct work *work)
{
    int r = stream_send_event(req, NULL, NULL, json_object());

    (void)work;
    (void)usleep(HEARTBEAT_MS * 1000 * 7 / 2);
    return r < 0 ? r : stream_send_event(req, NULL, NULL, json_object());
}

static void test_silence_is_filled_with_heartbeats(void **state)
{
    struct work work = { .body = pause_between };
    struct ein_req *req = start(*state, &work);
    char all[500] = "", out[100];
    ssize_t r;
    int beats = 0;

    while ((r = stream_pull(req->stream, out, sizeof(out))) > 0)
        (void)strncat(all, out, (size_t)r);
    (void)finish(req);
    for (const char *at = all; (at = strstr(at, ": heartbeat\n\n")); at++)
        beats++;
    assert_in_range(beats, 2, 4);
    assert_int_equal(strncmp(all, "data: {}\n\n: heartbeat\n\n", 23), 0);
}

static int pause_in_event(struct ein_req *req, struct work *work)
{
    (void)work;
    (void)stream_send_bytes(req, "data: half", 10);
    (void)usleep(HEARTBEAT_MS * 1000 * 5 / 2);
    return stream_send_bytes(req, "\n\n", 2);
}

static void test_no_heartbeat_breaks_an_event(void **state)
{
    struct work work = { .body = pause_in_event };
    struct ein_req *req = start(*state, &work);
    char out[100];

    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), 10);
    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), 2);
    (void)finish(req);
}

static int fail_late(struct ein_req *req, struct work *work)
{
    (void)work;
    (void)stream_send_bytes(req, "a", 1);
    assert_int_equal(reply_set_header(req, "X-Late", "1"), EIN_E_INVALID);
    return reply_fail(req, 500, "too late");
}

static void test_what_has_been_sent_is_not_taken_back(void **state)
{
    struct work work = { .body = fail_late };
    struct ein_req *req = start(*state, &work);
    char out[100];

    assert_int_equal(req->reply.status, 200);
    assert_int_equal(stream_pull(req->stream, out, sizeof(out)), 1);
    (void)finish(req);
    assert_null(req->reply.body);
}

static void test_as_many_streams_run_as_may(void **state)
{
    struct fixture *it = *state;
    struct work work = { .body = send_one };

    assert_true(pipeline_enter_stream(it->pipeline, STREAMS));
    assert_true(pipeline_enter_stream(it->pipeline, STREAMS));
    struct ein_req *req = start(it, &work);

    assert_null(req->stream);
    assert_int_equal(req->reply.status, 503);
    assert_non_null(reply_header(req, "Retry-After"));
    request_done(req);
    pipeline_leave_stream(it->pipeline);
    req = fixture_begin(it, "GET", "/s", NULL);
    pipeline_run(it->pipeline, req);
    assert_non_null(req->stream);
    (void)finish(req);
    pipeline_leave_stream(it->pipeline);
    assert_int_equal(pipeline_inside(it->pipeline), 0);
    assert_int_equal(gate_inside(&it->gate), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_is_framed_in_lines),
        TEST(test_names_that_could_forge_an_event_are_refused),
        TEST(test_a_handler_waits_while_the_queue_is_full),
        TEST(test_a_piece_may_be_larger_than_the_queue),
        TEST(test_a_handler_that_waits_for_room_learns_that_its_client_has_left),
        TEST(test_stopping_ends_a_stream_with_what_was_queued),
        TEST(test_silence_is_filled_with_heartbeats),
        TEST(test_no_heartbeat_breaks_an_event),
        TEST(test_what_has_been_sent_is_not_taken_back),
        TEST(test_as_many_streams_run_as_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
