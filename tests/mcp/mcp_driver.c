/* SPDX-License-Identifier: Apache-2.0 */
/* mcp-driver: calls mcp_client/1 as agents do, and tells what it said.
 *
 *   POST /mcp-driver  {"url", "token", "user_id", "total_ms", "egress", "tool", "arguments",
 *                      "progress", "stop_after"} -> {"r", "error", "value", "progress": [...]}
 *   POST /mcp-driver/bench  {"url", "times", "direct"} -> {"us": [microseconds of each call]}, of
 * the tool "t"; `direct` posts such a request itself
 *
 * Without a tool the tools are listed.  `stop_after` cancels at the n-th progress.  A client that
 * leaves cancels the call. */
#include "../support/driver.h"
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct progress {
    json_t *seen;
    size_t stop_after;
};

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int32_t number(const json_t *object, const char *name)
{
    return (int32_t)json_integer_value(json_object_get(object, name));
}

static int on_progress(const json_t *said, void *data)
{
    struct progress *progress = data;

    json_array_append_new(progress->seen, json_deep_copy(said));
    return progress->stop_after && json_array_size(progress->seen) >= progress->stop_after;
}

static int drive(struct ein_req *req, void *self)
{
    const struct driver *driver = self;
    const struct ein_http *http = driver->host->http;
    const json_t *body = http->body(req);
    struct progress progress = { .seen = json_array(),
                                 .stop_after = (size_t)number(body, "stop_after") };
    const struct ein_mcp_call call = {
        .struct_size = sizeof(call),
        .total_ms = (uint32_t)number(body, "total_ms"),
        .url = text(body, "url"),
        .token = text(body, "token"),
        .user_id = text(body, "user_id"),
        .egress = number(body, "egress"),
        .cancel = http->cancel(req),
        .on_progress = json_is_true(json_object_get(body, "progress")) ? on_progress : NULL,
        .progress_data = &progress,
    };
    const char *tool = text(body, "tool");
    const struct ein_service *service;
    struct ein_error err = { 0 };
    json_t *value = NULL;
    int r;

    if (driver->host->acquire(driver->ctx, EIN_MCP_CLIENT, NULL, &service) < 0) {
        json_decref(progress.seen);
        return http->fail(req, 404, "There is no client.");
    }
    const struct ein_mcp_client *client = service->vtable;
    r = tool ? client->call_tool(service->impl, &call, tool, json_object_get(body, "arguments"),
                                 &value, &err)
             : client->list_tools(service->impl, &call, &value, &err);
    driver->host->release(driver->ctx, service);
    return http->reply(req, 200,
                       json_pack("{s:i, s:s, s:o*, s:o}", "r", r, "error", err.text, "value", value,
                                 "progress", progress.seen));
}

/* ---- how long it takes ---- */

static json_int_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const char *const direct_headers[] = { "Content-Type: application/json",
                                              "Accept: application/json, text/event-stream", NULL };
static const char direct_body[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"t\","
    "\"arguments\":{\"n\":1},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";

static int call_directly(const struct driver *driver, const char *url)
{
    const struct ein_fetch what = { .struct_size = sizeof(what),
                                    .egress = EIN_EGRESS_OPERATOR,
                                    .method = "POST",
                                    .url = url,
                                    .headers = direct_headers,
                                    .body = direct_body,
                                    .body_len = sizeof(direct_body) - 1 };
    struct ein_fetched got = { .struct_size = sizeof(got) };
    int r = driver->host->client->fetch(driver->ctx, &what, &got, NULL);

    json_decref(got.headers);
    driver->host->mem_free(got.body);
    return r;
}

static int call_client(const struct ein_service *service, const char *url, const json_t *arguments)
{
    const struct ein_mcp_client *client = service->vtable;
    const struct ein_mcp_call call = {
        .struct_size = sizeof(call), .url = url, .user_id = "bench", .egress = EIN_EGRESS_OPERATOR
    };
    json_t *value = NULL;
    int r = client->call_tool(service->impl, &call, "t", arguments, &value, NULL);

    json_decref(value);
    return r;
}

static int bench(struct ein_req *req, void *self)
{
    const struct driver *driver = self;
    const struct ein_http *http = driver->host->http;
    const json_t *body = http->body(req);
    bool direct = json_is_true(json_object_get(body, "direct"));
    json_t *us = json_array(), *arguments = json_pack("{s:i}", "n", 1);
    const struct ein_service *service = NULL;
    int r = driver->host->acquire(driver->ctx, EIN_MCP_CLIENT, NULL, &service);

    for (int32_t i = number(body, "times"); i > 0 && r >= 0; i--) {
        json_int_t before = now_us();

        r = direct ? call_directly(driver, text(body, "url"))
                   : call_client(service, text(body, "url"), arguments);
        json_array_append_new(us, json_integer(now_us() - before));
    }
    json_decref(arguments);
    driver->host->release(driver->ctx, service);
    return http->reply(req, r < 0 ? 502 : 200, json_pack("{s:o}", "us", us));
}

/* clang-format off */
static const struct ein_route routes[] = {
    { .auth = EIN_AUTH_USER, .method = "POST", .path = "/mcp-driver", .operation_id = "drive_mcp",
      .summary = "Call an MCP server", .status = 200, .handle = drive,
      .body_schema = "{\"type\": \"object\", \"additionalProperties\": true}" },
    { .auth = EIN_AUTH_USER, .method = "POST", .path = "/mcp-driver/bench",
      .operation_id = "bench_mcp", .summary = "Call it often", .status = 200, .handle = bench,
      .body_schema = "{\"type\": \"object\", \"additionalProperties\": true}" },
};
/* clang-format on */

DRIVER("mcp-driver", "Calls MCP tools")
