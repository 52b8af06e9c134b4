/* SPDX-License-Identifier: Apache-2.0 */
/* A listener with a few routes of every kind, for test_listener.py: prints its port, and serves
 * until its standard input ends.  Arguments: name=number, limits that are to differ. */
#include "cancel.h"
#include "cleanup.h"
#include "gate.h"
#include "http.h"
#include "listener.h"
#include "log.h"
#include "metrics.h"
#include "request.h"
#include "router.h"
#include "section.h"
#include "services.h"
#include "stream.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

static uint32_t left_early; /* atomic: handlers that were told that their client is gone */

static int health(struct ein_req *req, void *self)
{
    static const char text[] = "{\"status\":\"healthy\",\"service\":\"user-service\"}";

    return reply_bytes(req, 200, "application/json", text, sizeof(text) - 1);
}

static int echo(struct ein_req *req, void *self)
{
    return reply_json(req, 200,
                      json_pack("{s:s, s:O, s:O?}", "method", request_method(req), "query",
                                request_query(req), "body", request_body(req)));
}

static int raw(struct ein_req *req, void *self)
{
    size_t len;
    const void *data = request_raw_body(req, &len);

    return reply_bytes(req, 200, "application/octet-stream", data, len);
}

static int file(struct ein_req *req, void *self)
{
    return reply_json(req, 200, json_pack("{s:s}", "key", request_path_param(req, "key")));
}

static int tagged(struct ein_req *req, void *self)
{
    (void)reply_set_header(req, "ETag", "\"one\"");
    (void)reply_set_cookie(req, "a", "1", 600, EIN_COOKIE_HTTP_ONLY);
    (void)reply_set_cookie(req, "b", "2", 0, 0);
    return reply_json(req, 200, json_pack("{s:s}", "_rev", "one"));
}

static int nothing(struct ein_req *req, void *self)
{
    return reply_json(req, 204, NULL);
}

static int silent(struct ein_req *req, void *self)
{
    return 0;
}

static int failing(struct ein_req *req, void *self)
{
    return EIN_E_CONFLICT;
}

static int who(struct ein_req *req, void *self)
{
    const struct ein_identity *identity = request_identity(req);

    return reply_json(req, 200,
                      json_pack("{s:s?, s:s, s:s}", "uid", identity ? identity->uid : NULL, "addr",
                                request_client_addr(req), "trace", request_trace_id(req)));
}

static int wrong_reply(struct ein_req *req, void *self)
{
    return reply_json(req, 200, json_pack("{s:i}", "text", 7));
}

/* Until the client has left, or ?ms= are over. */
static int wait_for_client(struct ein_req *req, void *self)
{
    struct ein_cancel *cancel = request_cancel(req);
    struct pollfd poll_fd = { .fd = cancel_fd(cancel), .events = POLLIN };
    const char *ms = json_string_value(json_object_get(request_query(req), "ms"));

    if (poll(&poll_fd, 1, ms ? atoi(ms) : 5000) > 0 && cancel_fired(cancel)) {
        (void)__atomic_add_fetch(&left_early, 1, __ATOMIC_RELAXED);
        return EIN_E_CANCELLED;
    }
    return reply_json(req, 200, json_pack("{s:b}", "waited", 1));
}

static int count_left(struct ein_req *req, void *self)
{
    return reply_json(req, 200,
                      json_pack("{s:i, s:i}", "left",
                                __atomic_load_n(&left_early, __ATOMIC_RELAXED), "inside",
                                (int)gate_inside(req->route->owner.gate)));
}

static long query_number(const struct ein_req *req, const char *name, long otherwise)
{
    const char *text = json_string_value(json_object_get(request_query(req), name));

    return text ? atol(text) : otherwise;
}

/* ?count= events of ?size= bytes, ?ms= apart, after ?first= ms. */
static int stream(struct ein_req *req, void *self)
{
    long count = query_number(req, "count", 3), size = query_number(req, "size", 1);
    long ms = query_number(req, "ms", 0), first = query_number(req, "first", 0);
    EIN_FREE char *text = calloc(1, (size_t)size + 1);
    int r = 0;

    memset(text, 'x', (size_t)size);
    (void)usleep((useconds_t)first * 1000);
    for (long i = 0; i < count && r >= 0; i++) {
        r = stream_send_event(req, NULL, "trace",
                              json_pack("{s:i, s:s}", "n", (int)i, "text", text));
        if (ms > 0)
            (void)usleep((useconds_t)ms * 1000);
    }
    if (r == EIN_E_CANCELLED)
        (void)__atomic_add_fetch(&left_early, 1, __ATOMIC_RELAXED);
    return r;
}

static int refused_stream(struct ein_req *req, void *self)
{
    return reply_fail(req, 409, "Not %s", "today");
}

static int raw_stream(struct ein_req *req, void *self)
{
    (void)reply_set_header(req, "Content-Type", "text/csv");
    (void)stream_send_bytes(req, "a,b\n", 4);
    return stream_send_bytes(req, "1,2\n", 4);
}

#define TEXT_SCHEMA                                                                                \
    "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]" \
    "}"

#define ROUTE(verb, at, id, function, ...)                                                         \
    {                                                                                              \
        .method = verb, .path = at, .operation_id = id, .handle = function, __VA_ARGS__            \
    }

static const struct ein_route routes[] = {
    ROUTE("GET", "/health", "health", health, .reply_schema = NULL),
    ROUTE("POST", "/echo", "echo", echo, .body_schema = TEXT_SCHEMA),
    ROUTE("GET", "/echo", "echo_query", echo, .summary = "The query"),
    ROUTE("POST", "/raw", "raw", raw, .flags = EIN_ROUTE_RAW_BODY, .body_max = 65536),
    ROUTE("GET", "/files/{key:path}", "file", file, .auth = EIN_AUTH_NONE),
    ROUTE("GET", "/files/list", "list", health, .auth = EIN_AUTH_NONE),
    ROUTE("GET", "/tagged", "tagged", tagged, .auth = EIN_AUTH_NONE),
    ROUTE("DELETE", "/nothing", "nothing", nothing, .status = 204),
    ROUTE("GET", "/silent", "silent", silent, .auth = EIN_AUTH_NONE),
    ROUTE("GET", "/failing", "failing", failing, .auth = EIN_AUTH_NONE),
    ROUTE("GET", "/who", "who", who, .auth = EIN_AUTH_USER),
    ROUTE("GET", "/admin", "admin", who, .auth = EIN_AUTH_ADMIN),
    ROUTE("GET", "/wrong", "wrong", wrong_reply, .reply_schema = TEXT_SCHEMA),
    ROUTE("GET", "/wait", "wait", wait_for_client, .auth = EIN_AUTH_NONE),
    ROUTE("GET", "/left", "left", count_left, .auth = EIN_AUTH_NONE),
    ROUTE("GET", "/stream", "stream", stream, .flags = EIN_ROUTE_EVENTS),
    ROUTE("POST", "/stream", "stream_post", stream, .flags = EIN_ROUTE_EVENTS),
    ROUTE("GET", "/refused-stream", "refused_stream", refused_stream, .flags = EIN_ROUTE_EVENTS),
    ROUTE("GET", "/raw-stream", "raw_stream", raw_stream, .flags = EIN_ROUTE_EVENTS),
};

static json_t *limits_from(char **arguments)
{
    EIN_JSON json_t *changes = json_object();

    for (; *arguments; arguments++) {
        const char *equals = strchr(*arguments, '=');

        if (equals)
            (void)json_object_setn_new(changes, *arguments, (size_t)(equals - *arguments),
                                       json_integer(atoll(equals + 1)));
    }
    return section_with("limits", changes);
}

struct server {
    struct log *log;
    struct metrics *metrics;
    struct services *services;
    struct http *http;
    struct listener *listener;
    struct gate gate;
};

static int start(struct server *server, const json_t *limits, struct ein_error *err)
{
    EIN_JSON json_t *listen_at =
        json_pack("{s:s, s:i}", "address",
                  getenv("DRIVER_ADDRESS") ? getenv("DRIVER_ADDRESS") : "127.0.0.1", "port", 0);
    EIN_JSON json_t *origins = json_pack("{s:[s]}", "origins", "http://front.example:3000");
    EIN_JSON json_t *http = section_with("http", origins);
    EIN_JSON json_t *log = json_pack("{s:s, s:s, s:s, s:b}", "level", "debug", "format", "json",
                                     "to", "stderr", "access", getenv("DRIVER_ACCESS") != NULL);
    const struct settings_from from = {
        .limits = limits,
        .http = http,
        .admin_password = getenv("DRIVER_ADMIN"),
        .no_login = !getenv("DRIVER_LOGIN"),
    };
    const struct route_owner owner = { .name = "driver", .gate = &server->gate };
    int r;

    gate_init(&server->gate);
    gate_open(&server->gate);
    r = log_new(log, &server->log, err);
    if (r >= 0)
        r = metrics_new(&server->metrics);
    if (r >= 0)
        r = services_new(&server->services);
    if (r < 0)
        return r;
    const struct http_parts parts = { server->log, server->metrics, server->services };

    r = http_new(&parts, &from, &server->http, err);
    if (r >= 0)
        r = router_add(http_router(server->http), &owner, routes,
                       sizeof(routes) / sizeof(routes[0]), sizeof(routes[0]), server, err);
    if (r >= 0)
        r = listener_start(server->http, listen_at, &server->listener, err);
    return r;
}

static void stop(struct server *server)
{
    (void)listener_stop(server->listener, 60000);
    gate_shut(&server->gate);
    (void)gate_drain(&server->gate, 1000);
    http_free(server->http);
    services_free(server->services);
    metrics_free(server->metrics);
    log_free(server->log);
}

int main(int count, char **arguments)
{
    EIN_JSON json_t *limits = limits_from(arguments + (count > 0));
    struct server server = { 0 };
    struct ein_error err = { 0 };
    char byte;

    if (start(&server, limits, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        stop(&server);
        return 1;
    }
    (void)printf("%u\n", listener_port(server.listener));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        if (byte == 'q')
            listener_quiesce(server.listener);
    stop(&server);
    return 0;
}
