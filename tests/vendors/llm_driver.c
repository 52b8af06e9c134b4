/* SPDX-License-Identifier: Apache-2.0 */
/* llm-driver: calls an llm_provider/1 as the door to the models does, and tells what it said.
 *
 *   POST /llm-driver/NAME         {the members of struct ein_llm_call by their names, "stop_after":
 * n}
 *                                 -> {"r", "error", "outcome", "pieces": [{"kind", "text",
 * "data"}]} POST /llm-driver/NAME?stream=1   the same as events: `piece` as each comes, then `end`
 *   GET  /llm-driver/NAME/models  -> {"r", "error", "models"}
 *
 * `stop_after` stops the call at the n-th piece.  A client that leaves cancels the call. */
#include "../support/driver.h"
#include <einion/services.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct talk {
    const struct ein_http *http;
    struct ein_req *req;
    json_t *pieces;
    json_int_t stop_after, count;
    bool streams;
};

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static uint32_t number(const json_t *object, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(object, name));
}

/* ---- pieces ---- */

static const char *kind_name(int kind)
{
    switch (kind) {
    case EIN_LLM_TEXT:
        return "text";
    case EIN_LLM_THOUGHT:
        return "thought";
    case EIN_LLM_TOOL_CALL:
        return "tool_call";
    case EIN_LLM_SOURCE:
        return "source";
    default:
        return "unknown";
    }
}

static int take_piece(const struct ein_llm_piece *piece, void *data)
{
    struct talk *talk = data;
    json_t *copy = json_pack("{s:s, s:s*}", "kind", kind_name(piece->kind), "text", piece->text);

    if (piece->data)
        json_object_set_new(copy, "data", json_deep_copy(piece->data));
    if (talk->streams)
        (void)talk->http->send_event(talk->req, NULL, "piece", copy);
    else
        json_array_append_new(talk->pieces, copy);
    talk->count++;
    return talk->stop_after && talk->count >= talk->stop_after;
}

/* ---- the outcome ---- */

static const char *fault_name(int fault)
{
    switch (fault) {
    case EIN_LLM_FAULT_NONE:
        return "none";
    case EIN_LLM_FAULT_BAD_KEY:
        return "bad_key";
    case EIN_LLM_FAULT_NO_CREDIT:
        return "no_credit";
    case EIN_LLM_FAULT_RATE_LIMIT:
        return "rate_limit";
    case EIN_LLM_FAULT_CONTEXT_TOO_LONG:
        return "context_too_long";
    case EIN_LLM_FAULT_REFUSED:
        return "refused";
    case EIN_LLM_FAULT_OVERLOADED:
        return "overloaded";
    case EIN_LLM_FAULT_BAD_REQUEST:
        return "bad_request";
    case EIN_LLM_FAULT_UNREACHABLE:
        return "unreachable";
    default:
        return "unknown";
    }
}

static json_t *outcome_json(const struct ein_llm_outcome *outcome)
{
    json_t *usage =
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "input_tokens", (json_int_t)outcome->input_tokens,
                  "cached_tokens", (json_int_t)outcome->cached_tokens, "cache_write_tokens",
                  (json_int_t)outcome->cache_write_tokens, "output_tokens",
                  (json_int_t)outcome->output_tokens, "reasoning_tokens",
                  (json_int_t)outcome->reasoning_tokens);

    return json_pack("{s:s, s:i, s:i, s:o, s:s, s:s, s:I, s:s, s:s, s:I}", "fault",
                     fault_name(outcome->fault), "vendor_status", outcome->vendor_status,
                     "retry_after_ms", (int)outcome->retry_after_ms, "usage", usage, "stop_reason",
                     outcome->stop_reason, "vendor_request_id", outcome->vendor_request_id,
                     "vendor_cost", (json_int_t)outcome->vendor_cost, "model", outcome->model,
                     "stop_sequence", outcome->stop_sequence, "cache_hour_tokens",
                     (json_int_t)outcome->cache_hour_tokens);
}

/* ---- routes ---- */

static struct ein_llm_call call_of(const json_t *body, struct ein_cancel *cancel)
{
    return (struct ein_llm_call){
        .struct_size = sizeof(struct ein_llm_call),
        .connect_ms = number(body, "connect_ms"),
        .first_byte_ms = number(body, "first_byte_ms"),
        .idle_ms = number(body, "idle_ms"),
        .total_ms = number(body, "total_ms"),
        .model = text(body, "model"),
        .api_key = text(body, "api_key"),
        .messages = json_object_get(body, "messages"),
        .tools = json_object_get(body, "tools"),
        .built_in_tools = json_object_get(body, "built_in_tools"),
        .reply_schema = json_object_get(body, "reply_schema"),
        .parameters = json_object_get(body, "parameters"),
        .settings = json_object_get(body, "settings"),
        .cancel = cancel,
        .tool_choice = json_object_get(body, "tool_choice"),
        .user_id = text(body, "user_id"),
        .visible = json_object_get(body, "visible"),
    };
}

static int complete(struct ein_req *req, void *self)
{
    const struct driver *driver = self;
    const struct ein_http *http = driver->host->http;
    size_t len;
    const char *raw = http->raw_body(req, &len);
    json_t *body = json_loadb(raw ? raw : "", len, JSON_ALLOW_NUL, NULL);
    struct talk talk = { .http = http,
                         .req = req,
                         .pieces = json_array(),
                         .stop_after = json_integer_value(json_object_get(body, "stop_after")),
                         .streams = json_object_get(http->query(req), "stream") };
    struct ein_llm_call call = call_of(body, http->cancel(req));
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct ein_error err = { 0 };
    const struct ein_service *service;

    if (!body || driver->host->acquire(driver->ctx, EIN_LLM_PROVIDER,
                                       http->path_param(req, "provider"), &service) < 0) {
        json_decref(body);
        json_decref(talk.pieces);
        return http->fail(req, 404, "There is no such provider, or the body is not JSON.");
    }
    const struct ein_llm_provider *provider = service->vtable;
    int r = provider->complete(service->impl, &call, take_piece, &talk, &outcome, &err);
    driver->host->release(driver->ctx, service);
    json_decref(body);
    json_t *said = json_pack("{s:i, s:s, s:o, s:o}", "r", r, "error", err.text, "outcome",
                             outcome_json(&outcome), "pieces", talk.pieces);
    return talk.streams ? http->send_event(req, NULL, "end", said) : http->reply(req, 200, said);
}

static int list_models(struct ein_req *req, void *self)
{
    const struct driver *driver = self;
    const struct ein_http *http = driver->host->http;
    const struct ein_service *service;
    struct ein_error err = { 0 };
    json_t *models = NULL;
    int r = 0;

    if (driver->host->acquire(driver->ctx, EIN_LLM_PROVIDER, http->path_param(req, "provider"),
                              &service) < 0)
        return http->fail(req, 404, "There is no such provider.");
    const struct ein_llm_provider *provider = service->vtable;
    if (provider->models)
        r = provider->models(service->impl, &models, &err);
    driver->host->release(driver->ctx, service);
    return http->reply(req, 200,
                       json_pack("{s:i, s:s, s:o*}", "r", r, "error", err.text, "models", models));
}

/* clang-format off */
static const struct ein_route routes[] = {
    { .flags = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS, .auth = EIN_AUTH_USER, .method = "POST",
      .path = "/llm-driver/{provider}", .operation_id = "drive_llm", .summary = "Call a provider",
      .body_max = 64u << 20, .status = 200, .handle = complete },
    { .auth = EIN_AUTH_USER, .method = "GET", .path = "/llm-driver/{provider}/models",
      .operation_id = "drive_models", .summary = "Its models", .status = 200, .handle = list_models },
};
/* clang-format on */

DRIVER("llm-driver", "Calls a model")
