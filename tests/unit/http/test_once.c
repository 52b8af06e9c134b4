/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "fake_host.h"
#include "fixture.h"
#include "once.h"
#include "stream.h"
#include <einion/services.h>
#include <sys/socket.h>

enum { KEPT_S = 100, RUNNING_S = 50, BYTES = 1024, ANSWERS = 3 };

struct world {
    struct fixture *http;
    struct fake_host *host;
    struct fake_plugin *storage;
    struct ein_storage_backend backend; /* that of `storage`, but see write_or_not() */
    int runs;                           /* of the handler */
    /* What the handler does. */
    int status, result;
    const char *bytes; /* NULL: it tells how often it has run */
    size_t len;
    int (*inside)(struct world *world); /* NULL: nothing */
    bool stops;                         /* the server, in the middle of a stream */
    int socket, client;                 /* of requests that may stream; -1 */
};

static const struct ein_storage_backend *real;
static bool is_full;

static int write_or_not(void *impl, struct ein_doc_op *ops, size_t count, size_t stride,
                        struct ein_error *err)
{
    return is_full ? EIN_E_FULL : real->batch(impl, ops, count, stride, err);
}

static struct world *world_of(bool has_storage)
{
    struct world *world = calloc(1, sizeof(*world));
    EIN_JSON json_t *limits =
        json_pack("{s:i, s:i, s:i, s:i}", "idempotency_kept_s", KEPT_S, "idempotency_running_s",
                  RUNNING_S, "idempotency_bytes", BYTES, "idempotency_answers", ANSWERS);

    assert_non_null(world);
    world->http = fixture_with(limits);
    world->status = 201;
    world->socket = world->client = -1;
    world->host = fake_host_new();
    if (!has_storage)
        return world;
    assert_int_equal(fake_plugin_open(world->host, "storage-memory", NULL, &world->storage, NULL),
                     0);
    assert_int_equal(fake_plugin_start(world->storage, NULL), 0);
    const struct ein_service *backend = fake_host_service(world->host, EIN_STORAGE_BACKEND);
    real = backend->vtable;
    world->backend = *real;
    world->backend.batch = write_or_not;
    assert_int_equal(services_publish(world->http->services, &world->http->gate,
                                      EIN_STORAGE_BACKEND, "memory", &world->backend, backend->impl,
                                      NULL),
                     0);
    return world;
}

static int handle(struct ein_req *req, void *self)
{
    struct world *world = self;

    world->runs++;
    if (world->inside)
        (void)world->inside(world);
    (void)reply_set_header(req, "X-Einion-Cost", "0.5");
    if (world->result < 0)
        return world->result;
    if (world->bytes)
        return reply_bytes(req, world->status, "text/plain", world->bytes, world->len);
    return reply_json(req, world->status, json_pack("{s:i}", "run", world->runs));
}

/* Two pieces, and between them the client leaves, or the server stops. */
static int stream(struct ein_req *req, void *self)
{
    struct world *world = self;

    world->runs++;
    (void)reply_set_header(req, "Content-Type", "text/plain");
    assert_int_equal(stream_send_bytes(req, "one", 3), 0);
    if (world->stops)
        watch_fire_all(world->http->http->watch);
    else
        (void)shutdown(world->client, SHUT_RDWR);
    for (int i = 0; i < 2; i++)
        assert_int_equal(stream_send_bytes(req, "two", 3), world->stops ? EIN_E_CANCELLED : 0);
    return 200;
}

static void add_route(struct world *world, uint32_t flags)
{
    const struct ein_route route = { .method = "POST",
                                     .path = "/things/{id}",
                                     .operation_id = "make",
                                     .auth = EIN_AUTH_USER,
                                     .flags = flags,
                                     .body_schema = "{\"type\":\"object\",\"properties\":"
                                                    "{\"a\":{},\"b\":{\"default\":1}}}",
                                     .handle = handle };

    assert_int_equal(fixture_add(world->http, &route, world, NULL), 0);
}

static int set_up(void **state)
{
    struct world *world = world_of(true);

    add_route(world, EIN_ROUTE_ONCE);
    assert_int_equal(once_index(world->http->store, NULL), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    if (world->socket >= 0) {
        (void)close(world->socket);
        (void)close(world->client);
    }
    fixture_free(world->http);
    fake_plugin_close(world->storage);
    fake_host_free(world->host);
    free(world);
    return 0;
}

/* ---- requests ---- */

struct ask {
    struct ein_req req;
    char *names[2], *values[2];
};

/* The status.  KEY may be NULL. */
static int ask(struct world *world, struct ask *ask, const char *target, const char *key,
               const char *body)
{
    struct head head = { .method = "POST",
                         .target = target,
                         .version = "HTTP/1.1",
                         .client_addr = "127.0.0.1",
                         .fd = world->socket,
                         .names = ask->names,
                         .values = ask->values,
                         .count = key ? 2 : 1,
                         .body = body,
                         .body_len = strlen(body) };

    ask->names[0] = (char *)"Host";
    ask->values[0] = (char *)"localhost";
    ask->names[1] = (char *)"Idempotency-Key";
    ask->values[1] = (char *)key;
    request_init(&ask->req, world->http->http, &head);
    pipeline_run(&ask->req);
    return ask->req.reply.status;
}

/* A request with KEY is answered STATUS and TEXT. */
static void expect(struct world *world, const char *key, int status, const char *text)
{
    struct ask it;

    assert_int_equal(ask(world, &it, "/things/1", key, "{}"), status);
    assert_int_equal(it.req.reply.len, strlen(text));
    assert_memory_equal(it.req.reply.body, text, strlen(text));
    request_done(&it.req);
}

static uint64_t count_documents(struct world *world)
{
    EIN_JSON json_t *of_keys = json_pack("{s:{s:n}}", "input", "$ne");
    uint64_t count = 0;

    assert_int_equal(store_tally(world->http->store, "idempotent_answers", of_keys, &count, NULL),
                     0);
    return count;
}

/* ---- what is sent again ---- */

static void the_answer_is_that_of_the_first(void **state)
{
    struct world *world = *state;
    static const char *const bodies[] = { "{\"a\":1,\"b\":2}", "{\"b\":2, \"a\":1}" };
    struct ask it;

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask(world, &it, "/things/1", "k", bodies[i]), 201);
        assert_string_equal(it.req.reply.body, "{\"run\":1}");
        assert_string_equal(it.req.reply.type, "application/json");
        assert_string_equal(reply_header(&it.req, "X-Einion-Cost"), "0.5");
        assert_int_equal(reply_header(&it.req, "Idempotent-Replayed") != NULL, i == 1);
        request_done(&it.req);
    }
    assert_int_equal(world->runs, 1);
}

static void a_key_is_of_its_target(void **state)
{
    struct world *world = *state;
    struct ask it;

    expect(world, "k", 201, "{\"run\":1}");
    expect(world, "l", 201, "{\"run\":2}");
    assert_int_equal(ask(world, &it, "/things/2", "k", "{}"), 201);
    request_done(&it.req);
    expect(world, NULL, 201, "{\"run\":4}");
}

static void another_input_is_refused(void **state)
{
    static const struct {
        const char *target, *body;
    } others[] = { { "/things/1", "{\"a\":1}" }, { "/things/1?x=1", "{}" } };
    struct world *world = *state;
    struct ask it;

    expect(world, "k", 201, "{\"run\":1}");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask(world, &it, others[i].target, "k", others[i].body), 422);
        assert_string_equal(
            it.req.reply.body,
            "{\"detail\":\"This Idempotency-Key was used with another input before.\"}");
        request_done(&it.req);
    }
    assert_int_equal(world->runs, 1);
}

static void what_is_no_key_is_refused(void **state)
{
    struct world *world = *state;
    char longest[257] = "";
    const char *const wrong[] = { "", "caf\xc3\xa9", "a\tb", longest };

    memset(longest, 'x', 256);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(world, wrong[i], 400,
               "{\"detail\":\"An Idempotency-Key has 1 to 255 visible ASCII characters.\"}");
    longest[255] = '\0';
    expect(world, longest, 201, "{\"run\":1}");
}

static int ask_inside(struct world *world)
{
    struct ask it;

    world->inside = NULL;
    assert_int_equal(ask(world, &it, "/things/1", "k", "{}"), 409);
    assert_string_equal(reply_header(&it.req, "Retry-After"), "1");
    request_done(&it.req);
    return 0;
}

static void of_two_at_once_one_runs(void **state)
{
    struct world *world = *state;

    world->inside = ask_inside;
    expect(world, "k", 201, "{\"run\":1}");
    expect(world, "k", 201, "{\"run\":1}");
}

/* ---- what is no answer ---- */

static void a_failure_gives_the_key_back(void **state)
{
    static const int statuses[] = { 400, 409, 429, 500, 503 };
    struct world *world = *state;
    struct ask it;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        world->status = statuses[i];
        assert_int_equal(ask(world, &it, "/things/1", "k", "{}"), statuses[i]);
        request_done(&it.req);
    }
    world->result = EIN_E_TIMEOUT;
    assert_int_equal(ask(world, &it, "/things/1", "k", "{}"), 504);
    request_done(&it.req);
    assert_int_equal(count_documents(world), 0);
    world->status = 201;
    world->result = 0;
    expect(world, "k", 201, "{\"run\":7}");
}

static void a_route_may_say_that_500_is_an_answer(void **state)
{
    struct world *world = world_of(true);

    *state = world;
    add_route(world, EIN_ROUTE_ONCE | EIN_ROUTE_ONCE_500);
    world->status = 500;
    expect(world, "k", 500, "{\"run\":1}");
    expect(world, "k", 500, "{\"run\":1}");
}

static void without_a_storage_backend_no_key_is_taken(void **state)
{
    struct world *world = world_of(false);

    *state = world;
    add_route(world, EIN_ROUTE_ONCE);
    assert_int_equal(once_index(world->http->store, NULL), EIN_E_UNAVAILABLE);
    struct ask it;
    assert_int_equal(ask(world, &it, "/things/1", "k", "{}"), 503);
    request_done(&it.req);
    expect(world, NULL, 201, "{\"run\":1}");
}

static void a_route_without_the_flag_knows_no_keys(void **state)
{
    struct world *world = world_of(true);

    *state = world;
    add_route(world, 0);
    expect(world, "k", 201, "{\"run\":1}");
    expect(world, "k", 201, "{\"run\":2}");
}

/* ---- streams ---- */

static struct world *streaming(void **state)
{
    struct world *world = world_of(true);
    const struct ein_route route = { .method = "POST",
                                     .path = "/things/1",
                                     .operation_id = "tell",
                                     .auth = EIN_AUTH_USER,
                                     .flags = EIN_ROUTE_ONCE | EIN_ROUTE_EVENTS,
                                     .handle = stream };
    int ends[2];

    *state = world;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    world->socket = ends[0];
    world->client = ends[1];
    assert_int_equal(fixture_add(world->http, &route, world, NULL), 0);
    return world;
}

static void a_stream_goes_on_without_its_client_and_is_sent_again_whole(void **state)
{
    struct world *world = streaming(state);
    struct ask it;

    assert_int_equal(ask(world, &it, "/things/1", "k", ""), 200);
    request_done(&it.req);
    assert_int_equal(ask(world, &it, "/things/1", "k", ""), 200);
    assert_string_equal(it.req.reply.body, "onetwotwo");
    assert_string_equal(reply_header(&it.req, "Content-Type"), "text/plain");
    assert_string_equal(reply_header(&it.req, "Idempotent-Replayed"), "true");
    request_done(&it.req);
    assert_int_equal(world->runs, 1);
}

static void a_stream_that_the_server_cuts_is_no_answer(void **state)
{
    struct world *world = streaming(state);
    struct ask it;

    world->stops = true;
    assert_int_equal(ask(world, &it, "/things/1", "k", ""), 200);
    request_done(&it.req);
    assert_int_equal(count_documents(world), 0);
}

/* ---- what is not kept ---- */

static void why_an_answer_was_not_kept_is_said(void **state)
{
    static char long_text[BYTES + 1];
    static const struct {
        const char *key, *bytes;
        size_t len;
        const char *why;
    } table[] = {
        { "long", long_text, BYTES + 1, "it was longer than limits.idempotency_bytes." },
        { "latin", "caf\xe9", 4, "it was not UTF-8 text." },
    };
    struct world *world = *state;
    struct ask it;

    memset(long_text, 'x', sizeof(long_text));
    for (size_t i = 0; i < 2; i++) {
        world->bytes = table[i].bytes;
        world->len = table[i].len;
        assert_int_equal(ask(world, &it, "/things/1", table[i].key, "{}"), 201);
        request_done(&it.req);
        assert_int_equal(ask(world, &it, "/things/1", table[i].key, "{}"), 422);
        assert_non_null(strstr(it.req.reply.body, table[i].why));
        request_done(&it.req);
    }
    assert_int_equal(world->runs, 2);
    world->len = BYTES;
    world->bytes = long_text;
    assert_int_equal(ask(world, &it, "/things/1", "longest", "{}"), 201);
    request_done(&it.req);
    assert_int_equal(ask(world, &it, "/things/1", "longest", "{}"), 201);
    assert_int_equal(it.req.reply.len, BYTES);
    request_done(&it.req);
}

static void the_oldest_answers_make_room(void **state)
{
    static const char *const keys[] = { "a", "b", "c", "d", "e" };
    struct world *world = *state;
    struct ask it;

    for (size_t i = 0; i < 5; i++) {
        clock_skip_ms(10);
        assert_int_equal(ask(world, &it, "/things/1", keys[i], "{}"), 201);
        request_done(&it.req);
    }
    assert_int_equal(count_documents(world), ANSWERS);
    expect(world, "c", 201, "{\"run\":3}");
    expect(world, "e", 201, "{\"run\":5}");
    expect(world, "b", 201, "{\"run\":6}");
}

static void an_answer_has_its_time(void **state)
{
    struct world *world = *state;

    expect(world, "k", 201, "{\"run\":1}");
    clock_skip_ms(1000 * KEPT_S - 10000);
    once_sweep(world->http->store);
    expect(world, "k", 201, "{\"run\":1}");
    clock_skip_ms(10000);
    expect(world, "k", 201, "{\"run\":2}");
    clock_skip_ms(1000 * KEPT_S);
    once_sweep(world->http->store);
    assert_int_equal(count_documents(world), 0);
}

static void what_is_somebodys_is_erased_or_it_is_said(void **state)
{
    struct world *world = *state;
    struct store *store = world->http->store;
    struct ein_error err;

    expect(world, "k", 201, "{\"run\":1}");
    expect(world, "l", 201, "{\"run\":2}");
    is_full = true;
    assert_int_equal(once_erase(store, "local-dev-user", &err), EIN_E_FULL);
    is_full = false;
    assert_int_equal(once_erase(store, "local-dev-user", &err), 2);
    assert_int_equal(once_erase(store, "local-dev-user", &err), 0);
}

static void again(struct world *world, int status, const char *why)
{
    struct ask it;

    assert_int_equal(ask(world, &it, "/things/1", "k", "{}"), status);
    assert_non_null(strstr(it.req.reply.body, why));
    request_done(&it.req);
}

static int long_after(struct world *world)
{
    world->inside = NULL;
    clock_skip_ms(1000 * (KEPT_S + RUNNING_S));
    again(world, 409, "is still running");
    return 0;
}

static void a_key_is_held_for_what_runs_however_long(void **state)
{
    struct world *world = *state;

    world->inside = long_after;
    expect(world, "k", 201, "{\"run\":1}");
    expect(world, "k", 201, "{\"run\":1}");
}

/* What this process runs is another's from now on, which says so as long as it is there. */
static int elsewhere(struct world *world)
{
    struct http *http = world->http->http;
    char *last = http->once.name + strlen(http->once.name) - 1;
    char own = *last;

    world->inside = NULL;
    *last = 'x';
    again(world, 409, "is still running");
    clock_skip_ms(1000 * RUNNING_S - 10000);
    again(world, 409, "is still running");
    *last = own;
    http->once.until_ms = 0;
    once_tell(http);
    *last = 'x';
    clock_skip_ms(10000);
    again(world, 409, "is still running");
    clock_skip_ms(1000 * RUNNING_S);
    again(world, 422, "was cut off when its server stopped");
    once_sweep(world->http->store);
    again(world, 422, "was cut off when its server stopped");
    return 0;
}

/* It may come back from a long sleep: it was there all the time. */
static void the_key_of_a_process_that_is_gone_is_answered_with_that(void **state)
{
    struct world *world = *state;

    world->inside = elsewhere;
    expect(world, "k", 201, "{\"run\":1}");
    expect(world, "k", 201, "{\"run\":1}");
    assert_int_equal(world->runs, 1);
}

#define TEST(function)       cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define TEST_ALONE(function) cmocka_unit_test_setup_teardown(function, NULL, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_is_that_of_the_first),
        TEST(a_key_is_of_its_target),
        TEST(what_is_somebodys_is_erased_or_it_is_said),
        TEST(another_input_is_refused),
        TEST(what_is_no_key_is_refused),
        TEST(of_two_at_once_one_runs),
        TEST(a_failure_gives_the_key_back),
        TEST_ALONE(a_route_may_say_that_500_is_an_answer),
        TEST_ALONE(without_a_storage_backend_no_key_is_taken),
        TEST_ALONE(a_route_without_the_flag_knows_no_keys),
        TEST_ALONE(a_stream_goes_on_without_its_client_and_is_sent_again_whole),
        TEST_ALONE(a_stream_that_the_server_cuts_is_no_answer),
        TEST(why_an_answer_was_not_kept_is_said),
        TEST(the_oldest_answers_make_room),
        TEST(an_answer_has_its_time),
        TEST(a_key_is_held_for_what_runs_however_long),
        TEST(the_key_of_a_process_that_is_gone_is_answered_with_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
