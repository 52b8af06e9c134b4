/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"
#include "auth.h"
#include "cleanup.h"
#include "clock.h"
#include "cors.h"
#include "csrf.h"
#include "denial.h"
#include "gate.h"
#include "http_inside.h"
#include "json_text.h"
#include "log.h"
#include "member.h"
#include "metrics.h"
#include "once.h"
#include "schema.h"
#include "status.h"
#include "stream.h"
#include "tracing.h"
#include <string.h>

enum { SPAN_NAME_SIZE = 512 };

/* A longer body of somebody who is not known is not read: it takes a hundred times its length. */
enum { STRANGERS_JSON_MAX = 65536 };

/* ---- the data path ---- */

static bool head(struct ein_req *req)
{
    const struct limits *limits = &req->settings->limits;
    const char *fault = request_head_fault(req);

    reply_add_header(req, "X-Content-Type-Options", "nosniff");
    reply_add_header(req, "X-Request-ID", req->id);
    if (fault) {
        req->reply.close = true; /* who knows where the next request would begin */
        return reply_refuse(req, 400, "%s", fault);
    }
    if (!cors_check(req))
        return false;
    if (strlen(req->head.target) > limits->url_bytes)
        return reply_refuse(req, 414, "The URL is longer than %u bytes.", limits->url_bytes);
    if (req->header_bytes > limits->header_bytes)
        return reply_refuse(req, 431, "The headers are longer than %u bytes.",
                            limits->header_bytes);
    if (req->query_text && request_parse_query(req) < 0)
        return reply_refuse(req, 400, "The query has a bad escape, or is not UTF-8.");
    return true;
}

static void redirect_without_slash(struct ein_req *req)
{
    const char *location =
        arena_printf(&req->arena, "%.*s%s%s", (int)req->path_len - 1, req->path,
                     req->query_text ? "?" : "", req->query_text ? req->query_text : "");

    (void)reply_redirect(req, 307, location);
}

static bool find_route(struct ein_req *req)
{
    struct router_match match = { 0 };
    enum router_found found =
        router_match(req->http->router, req->head.method, req->path, req->path_len,
                     request_navigates(req), &req->arena, &match);

    if (match.varies)
        (void)reply_set_header(req, "Vary", "Sec-Fetch-Mode, Accept");
    switch (found) {
    case ROUTER_MATCH:
        req->route = match.route;
        req->params = match.params;
        (void)__atomic_add_fetch(&req->route->stats->inside, 1, __ATOMIC_RELAXED);
        return true;
    case ROUTER_BAD_PATH:
        return reply_refuse(req, 400, "The path has a bad escape, or is not UTF-8.");
    case ROUTER_BAD_METHOD:
        (void)reply_set_header(req, "Allow", match.allow);
        return reply_refuse(req, 405, "Method Not Allowed");
    case ROUTER_SHUT:
        return reply_refuse(req, 503, "This part of the server is being stopped or is disabled.");
    case ROUTER_SLASH:
        redirect_without_slash(req);
        return false;
    case ROUTER_NOT_FOUND:
        break;
    }
    return reply_refuse(req, 404, "Not Found");
}

static bool wants_json(const struct route *route)
{
    return route->body && !(route->spec.flags & EIN_ROUTE_RAW_BODY);
}

static uint32_t body_max(const struct ein_req *req, const struct route *route)
{
    return route && route->spec.body_max ? route->spec.body_max : req->settings->limits.body_bytes;
}

size_t pipeline_body_max(struct http *http, const struct head *head)
{
    struct router_match match = { 0 };
    struct ein_req req;
    size_t max;

    request_init(&req, http, head);
    (void)router_match(http->router, head->method, req.path, req.path_len, false, &req.arena,
                       &match);
    max = body_max(&req, match.route);
    if (match.route)
        gate_leave(match.route->owner.gate);
    request_done(&req);
    return max;
}

static bool body(struct ein_req *req)
{
    uint32_t max = body_max(req, req->route);
    const char *coding = request_header(req, "Content-Encoding");

    if (req->head.body_len > max || req->head.body_cut)
        return reply_refuse(req, 413, "The body is longer than %u bytes.", max);
    if (req->head.body_len == 0)
        return true;
    if (coding && strcasecmp(coding, "identity") != 0) {
        (void)reply_set_header(req, "Accept-Encoding", "identity");
        return reply_refuse(req, 415,
                            "The body has a Content-Encoding; send it as it is, without.");
    }
    return true;
}

static bool json(struct ein_req *req)
{
    const struct limits *limits = &req->settings->limits;
    struct json_fault fault;

    if (req->body || req->head.body_len == 0 || !wants_json(req->route))
        return true;
    req->body = json_text_parse_within(req->head.body, req->head.body_len, limits->json_depth,
                                       limits->json_values, &fault);
    if (!req->body) {
        (void)reply_fail_json(req, 422, schema_fault_not_json(fault.offset, fault.text));
        return false;
    }
    return true;
}

static bool json_of_strangers(struct ein_req *req)
{
    return req->head.body_len > STRANGERS_JSON_MAX || json(req);
}

/* Puts what the schema makes of *value in its place, or adds the faults.  NO_MEMORY. */
static int check(const struct schema *schema, enum schema_mode mode, const char *place,
                 json_t **value, json_t *all_faults)
{
    json_t *checked = NULL;
    EIN_JSON json_t *faults = NULL;
    int r = schema_check(schema, mode, place, *value, &checked, &faults);

    if (r == EIN_E_INVALID)
        return json_array_extend(all_faults, faults) < 0 ? EIN_E_NO_MEMORY : 0;
    if (r < 0)
        return r;
    json_decref(*value);
    *value = checked;
    return 0;
}

static int check_body(struct ein_req *req, json_t *all_faults)
{
    EIN_JSON json_t *none = NULL;
    EIN_JSON json_t *faults = NULL;
    int r;

    if (req->body && !json_is_null(req->body))
        return check(req->route->body, SCHEMA_REQUEST, "body", &req->body, all_faults);
    r = schema_check(req->route->body, SCHEMA_REQUEST, "body", json_null(), &none, &faults);
    if (r != EIN_E_INVALID)
        return r; /* a body that may be null may be missing */
    json_decref(faults);
    faults = schema_fault_no_body();
    return json_array_extend(all_faults, faults) < 0 ? EIN_E_NO_MEMORY : 0;
}

static bool validate(struct ein_req *req)
{
    EIN_JSON json_t *faults = NULL;
    int r = 0;

    if (!req->route->query && !wants_json(req->route))
        return true;
    faults = json_array();
    if (req->route->query)
        r = request_query(req)
                ? check(req->route->query, SCHEMA_QUERY, "query", &req->query, faults)
                : EIN_E_NO_MEMORY;
    if (r == 0 && wants_json(req->route))
        r = check_body(req, faults);
    if (r == 0 && json_array_size(faults) == 0)
        return true;
    if (r < 0)
        (void)reply_fail(req, error_status(r), "%s", error_text(r));
    else
        (void)reply_fail_json(req, 422, EIN_TAKE(faults));
    return false;
}

/* The handler, and with it what is due at its end. */
static int call(struct ein_req *req)
{
    int result = req->route->spec.handle(req, req->route->self);

    once_end(req, result);
    return result;
}

static void handle(struct ein_req *req)
{
    struct once once;
    int result = 0;

    if (!once_begin(req, &once))
        return;
    if (!(req->route->spec.flags & EIN_ROUTE_EVENTS)) {
        reply_settle(req, call(req));
        return;
    }
    if (stream_run(req, call, &result) < 0) {
        once_end(req, EIN_E_BUSY);
        (void)reply_fail(req, 503, "Too many streams are open.");
        return;
    }
    reply_settle(req, result);
}

/* ---- its span ---- */

static void span_begin(struct ein_req *req)
{
    struct tracing *tracing = req->http->tracing;

    if (tracing_is_on(tracing))
        req->span = tracing_begin_request(tracing, request_trace_id(req), request_traceparent(req));
}

/* Who is calling may have their trace recorded. */
static bool span_of_known(struct ein_req *req)
{
    if (!req->span && req->identity && tracing_is_on(req->http->tracing) &&
        request_traceparent(req))
        req->span =
            tracing_begin_known(req->http->tracing, request_traceparent(req), req->start_us);
    return true;
}

/* Anybody may invent a method; names of spans are few. */
static const char *known_method(const struct ein_req *req)
{
    static const char *const known[] = {
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(req->head.method, known[i]) == 0)
            return known[i];
    }
    return NULL;
}

static json_t *attributes(const struct ein_req *req, const char *method)
{
    return json_pack("{s:s, s:s, s:s*, s:i, s:s, s:s*}", "http.request.method",
                     method ? method : "_OTHER", "url.scheme", req->is_https ? "https" : "http",
                     "http.route", req->route ? req->route->spec.path : NULL,
                     "http.response.status_code", req->reply.status, "einion.request_id", req->id,
                     "einion.operation_id", req->route ? req->route->spec.operation_id : NULL);
}

static void tell_span(struct ein_req *req)
{
    const char *method = known_method(req);
    char status[16], name[SPAN_NAME_SIZE];

    (void)snprintf(status, sizeof(status), "%d", req->reply.status);
    (void)snprintf(name, sizeof(name), "%s%s%s", method ? method : "HTTP", req->route ? " " : "",
                   req->route ? req->route->spec.path : "");
    tracing_name(req->span, name);
    tracing_end(req->span, req->reply.status >= 500 ? status : NULL, attributes(req, method));
}

static void span_end(struct ein_req *req)
{
    if (req->span)
        tell_span(req);
    if (tracing_is_on(req->http->tracing))
        tracing_leave();
}

/* ---- the end ---- */

/* The reply has been built; that of a stream has been sent. */
static void end(struct ein_req *req)
{
    struct http *http = req->http;
    struct route_stats *stats = req->route ? req->route->stats : http->stats.unmatched;
    uint64_t duration_us = (uint64_t)(clock_mono_us() - req->start_us);
    const struct log_access line = {
        .method = req->head.method,
        .path = request_path(req),
        .operation_id = req->route ? req->route->spec.operation_id : NULL,
        .request_id = req->id,
        .own_id = req->id == req->made_id,
        .trace_id =
            req->trace_id[0] || req->known[HEADER_TRACEPARENT] ? request_trace_id(req) : NULL,
        .client_addr = request_client_addr(req),
        .uid = req->identity ? req->identity->uid : NULL,
        .key_id = req->identity ? text_of(req->identity->claims, "keyId") : NULL,
        .said = req->said,
        .status = req->reply.status,
        .reply_len = req->reply.len,
        .duration_us = duration_us,
    };

    log_access(http->log, &line);
    route_stats_count(stats, req->reply.status, duration_us);
    span_end(req);
    metric_add(http->stats.in_flight, -1);
    request_drop_cancel(req); /* its parent goes with the owner of the route */
    if (req->route) {
        if (req->route->body && schema_takes_secrets(req->route->body))
            request_wipe_body(req);
        struct gate *gate = req->route->owner.gate;

        (void)__atomic_sub_fetch(&stats->inside, 1, __ATOMIC_RELAXED);
        req->route = NULL;
        gate_leave(gate);
    }
}

void pipeline_run(struct ein_req *req)
{
    metric_add(req->http->stats.in_flight, 1);
    span_begin(req);

    if (head(req) && find_route(req) && body(req) && json_of_strangers(req) &&
        auth_authenticate(req) && span_of_known(req) && csrf_check(req) && auth_authorize(req) &&
        json(req) && validate(req))
        handle(req);
    if (!req->reply.sent) {
        denial_tell(req);
        reply_finish(req);
    }
    end(req);
}
