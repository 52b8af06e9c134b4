/* SPDX-License-Identifier: Apache-2.0 */
/* completion-driver: calls completion/1 as chat and the OpenAI endpoint do, and tells what it said.
 *
 *   POST /completion-driver            {the members of struct ein_completion_call by their names,
 *                                       "user": the caller, "refuse": bool, "stop_after": pieces}
 *                                      -> {"r", "error", "outcome", "text", "pieces": how many}
 *   POST /completion-driver?stream=1   the same as events: `piece` as each comes, then `end`
 *   GET  /completion-driver/find?model=NAME
 *
 * A client that leaves cancels the call. */
#include "../support/driver.h"
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct talk {
    const struct ein_http *http;
    struct ein_req *req;
    char text[4096];
    json_int_t stop_after, count;
    bool streams;
};

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    struct talk *talk = data;
    size_t len = strlen(talk->text);

    if (piece->kind == EIN_LLM_TEXT && piece->text)
        snprintf(talk->text + len, sizeof(talk->text) - len, "%s", piece->text);
    if (piece->kind == EIN_LLM_TOOL_CALL)
        snprintf(talk->text + len, sizeof(talk->text) - len, "%s()", text(piece->data, "name"));
    if (talk->streams && talk->http->send_event(talk->req, NULL, "piece",
                                                json_pack("{s:s*}", "text", piece->text)) < 0)
        return 1;
    talk->count++;
    return talk->stop_after && talk->count >= talk->stop_after;
}

static json_t *rate_json(const struct ein_rate *rate)
{
    return json_pack("{s:I, s:I, s:I}", "limit", (json_int_t)rate->limit, "remaining",
                     (json_int_t)rate->remaining, "reset_ms", (json_int_t)rate->reset_ms);
}

static json_t *outcome_json(const struct ein_completion_outcome *outcome)
{
    json_t *usage = json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "input", (json_int_t)outcome->input_tokens, "cached",
        (json_int_t)outcome->cached_tokens, "cache_write", (json_int_t)outcome->cache_write_tokens,
        "output", (json_int_t)outcome->output_tokens, "reasoning",
        (json_int_t)outcome->reasoning_tokens);

    return json_pack(
        "{s:i, s:i, s:I, s:i, s:s, s:s, s:o, s:o, s:I, s:o, s:I, s:I, s:s, s:s, s:s, s:o}", "fault",
        outcome->fault, "status", outcome->status, "retry_after_ms",
        (json_int_t)outcome->retry_after_ms, "attempts", (int)outcome->attempts, "provider",
        outcome->provider, "model", outcome->model, "requests", rate_json(&outcome->requests),
        "tokens", rate_json(&outcome->tokens), "cost", (json_int_t)outcome->cost, "usage", usage,
        "vendor_us", (json_int_t)outcome->vendor_us, "overhead_us",
        (json_int_t)outcome->overhead_us, "stop_reason", outcome->stop_reason, "stop_sequence",
        outcome->stop_sequence, "vendor_request_id", outcome->vendor_request_id, "notes",
        outcome->notes ? outcome->notes : json_array());
}

static struct ein_completion_call call_of(const struct ein_http *http, struct ein_req *req,
                                          const json_t *body)
{
    const char *user = text(body, "user");

    return (struct ein_completion_call){
        .struct_size = sizeof(struct ein_completion_call),
        .flags = json_is_true(json_object_get(body, "refuse")) ? EIN_COMPLETION_REFUSE : 0,
        .total_ms = (uint32_t)json_integer_value(json_object_get(body, "total_ms")),
        .user_id = user ? user : http->identity(req)->uid,
        .key_id = text(body, "key_id"),
        .agent_id = text(body, "agent_id"),
        .run_id = text(body, "run_id"),
        .request_id = http->request_id(req),
        .model = text(body, "model"),
        .messages = json_object_get(body, "messages"),
        .tools = json_object_get(body, "tools"),
        .built_in_tools = json_object_get(body, "built_in_tools"),
        .reply_schema = json_object_get(body, "reply_schema"),
        .parameters = json_object_get(body, "parameters"),
        .tool_choice = json_object_get(body, "tool_choice"),
        .cancel = http->cancel(req),
    };
}

static int acquire(const struct driver *driver, const struct ein_service **ret_service)
{
    return driver->host->acquire(driver->ctx, EIN_COMPLETION, NULL, ret_service);
}

static int complete(struct ein_req *req, void *self)
{
    const struct driver *driver = self;
    const struct ein_http *http = driver->host->http;
    size_t len;
    const char *raw = http->raw_body(req, &len);
    json_t *body = json_loadb(raw ? raw : "", len, 0, NULL);
    struct talk talk = { .http = http,
                         .req = req,
                         .stop_after = json_integer_value(json_object_get(body, "stop_after")),
                         .streams = json_object_get(http->query(req), "stream") };
    struct ein_completion_call call = call_of(http, req, body);
    struct ein_completion_outcome outcome = { .struct_size = sizeof(outcome) };
    struct ein_error err = { 0 };
    const struct ein_service *service;

    if (acquire(driver, &service) < 0) {
        json_decref(body);
        return http->fail(req, 503, "There is no completion/1.");
    }
    const struct ein_completion *completion = service->vtable;
    int r = completion->complete(service->impl, &call, take_piece, &talk, &outcome, &err);
    driver->host->release(driver->ctx, service);
    json_decref(body);
    json_t *said = json_pack("{s:i, s:s, s:o, s:s, s:I}", "r", r, "error", err.text, "outcome",
                             outcome_json(&outcome), "text", talk.text, "pieces", talk.count);
    return talk.streams ? http->send_event(req, NULL, "end", said) : http->reply(req, 200, said);
}

static int find(struct ein_req *req, void *self)
{
    const struct driver *driver = self;
    const struct ein_http *http = driver->host->http;
    const struct ein_service *service;
    struct ein_error err = { 0 };
    json_t *found = NULL;

    if (acquire(driver, &service) < 0)
        return http->fail(req, 503, "There is no completion/1.");
    const struct ein_completion *completion = service->vtable;
    int r = completion->find(service->impl, http->identity(req)->uid,
                             text(http->query(req), "model"), NULL, &found, &err);
    driver->host->release(driver->ctx, service);
    return r < 0 ? http->fail_error(req, &err) : http->reply(req, 200, found);
}

/* clang-format off */
static const struct ein_route routes[] = {
    { .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS, .auth = EIN_AUTH_USER, .method = "POST",
      .path = "/completion-driver", .operation_id = "drive_completion", .summary = "Call a model",
      .body_max = 64u << 20, .status = 200, .handle = complete },
    { .auth = EIN_AUTH_USER, .method = "GET", .path = "/completion-driver/find",
      .operation_id = "drive_find", .summary = "Find a model", .status = 200, .handle = find },
};
/* clang-format on */

DRIVER("completion-driver", "Calls completion/1")
