/* SPDX-License-Identifier: Apache-2.0 */
/* The service plugin's handlers, called with requests made by hand. */
#include "cleanup.h"
#include "fake_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* ---- a request, and what was answered ---- */

struct ein_req {
    const char *client_addr, *authorization, *forwarded_for;
    json_t *body;
    int status;
    char *text;         /* of the reply */
    char headers[2048]; /* "Name: value\n" */
};

static const struct ein_route *known[16];
static size_t known_count;
static void *known_self;
static struct fake_host *logging_host;

static int add_routes(struct ein_ctx *ctx, const struct ein_route *routes, size_t count,
                      size_t stride, void *self, struct ein_error *err)
{
    for (size_t i = 0; i < count; i++)
        known[known_count++] = &routes[i];
    known_self = self;
    return 0;
}

static const char *req_header(const struct ein_req *req, const char *name)
{
    if (strcmp(name, "Authorization") == 0)
        return req->authorization;
    if (strcmp(name, "X-Forwarded-For") == 0)
        return req->forwarded_for;
    return strcmp(name, "User-Agent") == 0 ? "test/1" : NULL;
}

static const char *req_client_addr(const struct ein_req *req)
{
    return req->client_addr;
}

static const json_t *req_body(const struct ein_req *req)
{
    return req->body;
}

static void req_log(const struct ein_req *req, int level, const char *fmt, ...)
{
    char line[16384];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    logging_host->table.log_msg(fake_host_ctx(logging_host), level, "%s", line);
}

static int req_reply(struct ein_req *req, int status, json_t *take_body)
{
    req->text = json_dumps(take_body, JSON_COMPACT);
    json_decref(take_body);
    return req->status = status;
}

static int req_reply_bytes(struct ein_req *req, int status, const char *type, const void *data,
                           size_t len)
{
    req->text = strndup(data, len);
    return req->status = status;
}

static int req_fail(struct ein_req *req, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&req->text, fmt, args) < 0)
        abort();
    va_end(args);
    return req->status = status;
}

static int req_fail_error(struct ein_req *req, const struct ein_error *err)
{
    return req_fail(req, 500, "%s", err->text);
}

static int req_set_header(struct ein_req *req, const char *name, const char *value)
{
    size_t len = strlen(req->headers);

    snprintf(req->headers + len, sizeof(req->headers) - len, "%s: %s\n", name, value);
    return 0;
}

static const struct ein_http http = {
    .struct_size = sizeof(http),
    .add_routes = add_routes,
    .header = req_header,
    .client_addr = req_client_addr,
    .body = req_body,
    .log_msg = req_log,
    .reply = req_reply,
    .reply_bytes = req_reply_bytes,
    .fail = req_fail,
    .fail_error = req_fail_error,
    .set_header = req_set_header,
};

/* ---- a server that says what a test wants ---- */

struct said {
    json_t *status, *document;
};

static int said_status(void *impl, json_t **ret_status, struct ein_error *err)
{
    struct said *said = impl;

    *ret_status = json_incref(said->status);
    return 0;
}

static int said_openapi(void *impl, json_t **ret_document, struct ein_error *err)
{
    struct said *said = impl;

    *ret_document = json_incref(said->document);
    return 0;
}

static int said_metrics(void *impl, char **ret_text, struct ein_error *err)
{
    *ret_text = strdup("einion_up 1\n");
    return 0;
}

static const struct ein_server server = {
    .struct_size = sizeof(server),
    .status = said_status,
    .openapi = said_openapi,
    .metrics = said_metrics,
};

struct fixture {
    struct fake_host *host;
    struct fake_plugin *plugin;
    struct said said;
};

static struct fixture *open_with(json_t *take_config)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ein_error err = { 0 };

    known_count = 0;
    f->host = logging_host = fake_host_new();
    f->host->table.http = &http;
    assert_int_equal(
        f->host->table.publish(fake_host_ctx(f->host), EIN_SERVER, "core", &server, &f->said, &err),
        0);
    assert_int_equal(fake_plugin_open(f->host, "service", take_config, &f->plugin, &err), 0);
    return f;
}

static void close_it(struct fixture *f)
{
    fake_plugin_close(f->plugin);
    fake_host_free(f->host);
    json_decref(f->said.status);
    json_decref(f->said.document);
    free(f);
}

static const struct ein_route *route_of(const char *path)
{
    for (size_t i = 0; i < known_count; i++) {
        if (strcmp(known[i]->path, path) == 0)
            return known[i];
    }
    return NULL;
}

static int call(const char *path, struct ein_req *req)
{
    free(req->text);
    req->text = NULL;
    req->headers[0] = '\0';
    return route_of(path)->handle(req, known_self);
}

/* ---- tests ---- */

static void ready_says_which_plugin_is_not_well(void **state)
{
    struct fixture *f = open_with(json_object());
    struct ein_req req = { 0 };

    f->said.status =
        json_pack("{s:s, s:s, s:[{s:s, s:s, s:s, s:n}]}", "status", "ready", "version", "9",
                  "plugins", "name", "agents", "plugin", "agents", "state", "started", "reason");
    assert_int_equal(call("/readyz", &req), 200);
    assert_string_equal(req.text,
                        "{\"status\":\"ready\",\"plugins\":[{\"name\":\"agents\",\"state\":"
                        "\"started\",\"reason\":null}]}");

    json_object_set_new(f->said.status, "status", json_string("degraded"));
    json_object_set_new(json_array_get(json_object_get(f->said.status, "plugins"), 0), "reason",
                        json_string("no sandbox"));
    assert_int_equal(call("/readyz", &req), 503);
    assert_non_null(strstr(req.text, "\"reason\":\"no sandbox\""));

    json_object_set_new(f->said.status, "status", json_string("draining"));
    assert_int_equal(call("/readyz", &req), 503);
    free(req.text);
    close_it(f);
}

static int metrics_status(const char *addr, const char *forwarded_for, const char *authorization)
{
    struct ein_req req = { .client_addr = addr,
                           .forwarded_for = forwarded_for,
                           .authorization = authorization };
    int status = call("/metrics", &req);

    free(req.text);
    return status;
}

static void metrics_are_for_this_machine(void **state)
{
    struct fixture *f = open_with(json_object());

    assert_int_equal(metrics_status("127.0.0.1", NULL, NULL), 200);
    assert_int_equal(metrics_status("127.8.0.1", NULL, NULL), 200);
    assert_int_equal(metrics_status("::1", NULL, NULL), 200);
    assert_int_equal(metrics_status("::ffff:127.0.0.1", NULL, NULL), 200);
    assert_int_equal(metrics_status("10.0.0.1", NULL, NULL), 403);
    assert_int_equal(metrics_status("::ffff:10.0.0.1", NULL, NULL), 403);
    assert_int_equal(metrics_status("fe80::1", NULL, NULL), 403);
    assert_int_equal(metrics_status("127.0.0.1", "8.8.8.8", NULL), 403);
    assert_int_equal(metrics_status("10.0.0.1", NULL, "Bearer "), 403);
    close_it(f);
}

static void metrics_can_be_for_everybody(void **state)
{
    struct fixture *f = open_with(json_pack("{s:s}", "metrics", "all"));

    assert_int_equal(metrics_status("10.0.0.1", "8.8.8.8", NULL), 200);
    close_it(f);
}

static void metrics_can_be_for_those_with_a_token(void **state)
{
    setenv("METRICS_TOKEN", "t0ken", 1);
    struct fixture *f = open_with(json_pack("{s:s}", "metrics", "nobody"));
    unsetenv("METRICS_TOKEN");

    assert_int_equal(metrics_status("127.0.0.1", NULL, NULL), 403);
    assert_int_equal(metrics_status("10.0.0.1", NULL, "Bearer t0ken"), 200);
    assert_int_equal(metrics_status("10.0.0.1", NULL, "bearer  t0ken"), 200);
    assert_int_equal(metrics_status("10.0.0.1", NULL, "Bearer t0ke"), 403);
    assert_int_equal(metrics_status("10.0.0.1", NULL, "Bearer t0kent0ken"), 403);
    assert_int_equal(metrics_status("10.0.0.1", NULL, "Basic t0ken"), 403);
    close_it(f);
}

static void an_empty_token_is_none(void **state)
{
    setenv("METRICS_TOKEN", "", 1);
    struct fixture *f = open_with(json_pack("{s:s}", "metrics", "nobody"));
    unsetenv("METRICS_TOKEN");

    assert_int_equal(metrics_status("10.0.0.1", NULL, "Bearer "), 403);
    close_it(f);
}

static void the_tag_of_openapi_changes_with_the_routes(void **state)
{
    struct fixture *f = open_with(json_object());
    struct ein_req req = { 0 };
    char first[sizeof(req.headers)];

    f->said.document = json_pack("{s:s}", "openapi", "3.1.0");
    assert_int_equal(call("/openapi.json", &req), 200);
    assert_string_equal(req.text, "{\"openapi\":\"3.1.0\"}");
    strcpy(first, req.headers);
    assert_non_null(strstr(first, "ETag: \""));

    assert_int_equal(call("/openapi.json", &req), 200);
    assert_string_equal(req.headers, first);

    json_decref(f->said.document);
    f->said.document = json_pack("{s:s, s:{}}", "openapi", "3.1.0", "paths");
    assert_int_equal(call("/openapi.json", &req), 200);
    assert_string_equal(req.text, "{\"openapi\":\"3.1.0\",\"paths\":{}}");
    assert_string_not_equal(req.headers, first);
    free(req.text);
    close_it(f);
}

static void docs_can_be_switched_off(void **state)
{
    struct fixture *f = open_with(json_object());

    assert_non_null(route_of("/docs"));
    assert_non_null(route_of("/openapi.json"));
    close_it(f);
    f = open_with(json_pack("{s:b}", "docs", 0));
    assert_null(route_of("/docs"));
    assert_null(route_of("/openapi.json"));
    assert_non_null(route_of("/health"));
    close_it(f);
}

static int log_status(struct ein_req *req, const char *level, const char *message,
                      json_t *take_metadata)
{
    json_decref(req->body);
    req->body = json_pack("{s:s, s:s, s:s, s:o}", "eventType", "click", "message", message, "level",
                          level, "metadata", take_metadata);
    return call("/log/client", req);
}

static void a_client_line_is_logged_with_its_origin(void **state)
{
    struct fixture *f = open_with(json_object());
    struct ein_req req = { .client_addr = "10.0.0.1" };

    assert_int_equal(log_status(&req, "warning", "hello",
                                json_pack("{s:i, s:s}", "x", 1, "client_host", "forged")),
                     202);
    assert_string_equal(req.text, "{\"status\":\"logged\"}");
    assert_true(fake_host_logged(f->host, "300 client click: hello "
                                          "{\"client_host\":\"10.0.0.1\","
                                          "\"user_agent\":\"test/1\",\"x\":1}"));
    assert_int_equal(log_status(&req, "nonsense", "second", json_null()), 202);
    assert_true(fake_host_logged(f->host, "200 client click: second"));
    json_decref(req.body);
    free(req.text);
    close_it(f);
}

static void secrets_of_a_client_line_are_not_logged(void **state)
{
    struct fixture *f = open_with(json_object());
    struct ein_req req = { .client_addr = "10.0.0.1" };

    assert_int_equal(log_status(&req, "INFO", "my key is sk-abcdefghijklmnopqrstuvwx",
                                json_pack("{s:s}", "k", "sk-zyxwvutsrqponmlkjihgfedc")),
                     202);
    assert_true(fake_host_logged(f->host, "my key is [REDACTED"));
    assert_false(fake_host_logged(f->host, "abcdefghijkl"));
    assert_false(fake_host_logged(f->host, "zyxwvutsrqpo"));
    json_decref(req.body);
    free(req.text);
    close_it(f);
}

static void a_flood_of_client_lines_is_refused(void **state)
{
    struct fixture *f = open_with(json_pack("{s:i}", "client_log_per_minute", 3));
    struct ein_req req = { .client_addr = "10.0.0.1" };

    for (int i = 0; i < 3; i++)
        assert_int_equal(log_status(&req, "INFO", "flood", json_null()), 202);
    assert_int_equal(log_status(&req, "INFO", "too much", json_null()), 429);
    assert_non_null(strstr(req.headers, "Retry-After: 2"));
    assert_false(fake_host_logged(f->host, "too much"));
    assert_true(fake_host_counted(f->host, "einion_client_log_refused_total") == 1);
    json_decref(req.body);
    free(req.text);
    close_it(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_says_which_plugin_is_not_well),
        cmocka_unit_test(metrics_are_for_this_machine),
        cmocka_unit_test(metrics_can_be_for_everybody),
        cmocka_unit_test(metrics_can_be_for_those_with_a_token),
        cmocka_unit_test(an_empty_token_is_none),
        cmocka_unit_test(the_tag_of_openapi_changes_with_the_routes),
        cmocka_unit_test(docs_can_be_switched_off),
        cmocka_unit_test(a_client_line_is_logged_with_its_origin),
        cmocka_unit_test(secrets_of_a_client_line_are_not_logged),
        cmocka_unit_test(a_flood_of_client_lines_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
