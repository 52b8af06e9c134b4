/* SPDX-License-Identifier: Apache-2.0 */
#include "http_call.h"
#include "body_pipe.h"
#include "cleanup.h"
#include "clock.h"
#include "declared.h"
#include "error.h"
#include "http_request.h"
#include "slow_call.h"

#include <stdlib.h>
#include <string.h>

enum { QUIET_MAX = 64 << 10 /* a body that is no longer is told with its head */ };

struct http_call {
    struct slow_call slow;
    struct http_request request;
    struct body_pipe upload, reply;
    void *body; /* where it does not come in pieces */
    size_t body_len;
    uint64_t most, uploaded; /* bytes of a body; uploaded: by the run's thread */
    atomic_bool too_long;    /* the upload, before it was broken */

    /* the call's thread */
    int64_t until_ms;
    int fault; /* why it stopped the transfer itself */
    bool quiet;

    int status; /* both until `headed` is true */
    json_t *headers;
    atomic_bool headed;
    bool told; /* the run's thread: the process knows the head */
};

static void call_free(struct slow_call *slow)
{
    struct http_call *call = (struct http_call *)slow;

    http_request_done(&call->request);
    body_pipe_done(&call->upload);
    body_pipe_done(&call->reply);
    json_decref(call->headers);
    free(call->body);
    free(call);
}

/* ---- on the call's thread ---- */

static int64_t on_send(void *data, void *piece, size_t size)
{
    struct http_call *call = data;
    int64_t len = body_pipe_read_waiting(&call->upload, piece, size, call->until_ms);

    if (len < 0)
        call->fault = (int)len;
    else if (len > 0)
        slow_tell(&call->slow);
    return len;
}

static int on_head(void *data, int status, const struct json_t *headers)
{
    struct http_call *call = data;
    const char *length = json_string_value(json_object_get(headers, "content-length"));

    call->quiet = length && strtoull(length, NULL, 10) <= QUIET_MAX;
    call->status = status;
    call->headers = json_incref((json_t *)headers);
    atomic_store(&call->headed, true);
    if (!call->quiet)
        slow_tell(&call->slow);
    return 0;
}

static int on_data(void *data, const void *piece, size_t len)
{
    struct http_call *call = data;

    call->fault = body_pipe_put_waiting(&call->reply, piece, len, call->until_ms);
    if (call->fault == 0 && !call->quiet)
        slow_tell(&call->slow);
    return call->fault;
}

/* What the client cannot know: why we stopped it. */
static int explain(struct http_call *call, int r)
{
    if (r == 0 || call->fault == 0)
        return r;
    if (atomic_load(&call->too_long))
        return error_set(&call->slow.err, EIN_E_TOO_LARGE,
                         "The request's body is longer than %llu bytes.",
                         (unsigned long long)call->most);
    if (call->fault == EIN_E_TIMEOUT)
        return error_set(&call->slow.err, EIN_E_TIMEOUT,
                         "The agent did not send or take all of the body within %u ms.",
                         call->request.total_ms);
    return r;
}

static void perform(struct slow_call *slow)
{
    struct http_call *call = (struct http_call *)slow;
    const struct http_request *request = &call->request;
    struct ein_fetched fetched = { .struct_size = sizeof(fetched) };
    const struct ein_fetch fetch = {
        .struct_size = sizeof(fetch),
        .egress = EIN_EGRESS_PUBLIC,
        .connect_ms = request->connect_ms,
        .first_byte_ms = request->read_ms,
        .idle_ms = request->read_ms,
        .total_ms = request->total_ms,
        .max_bytes = call->most,
        .method = request->method,
        .url = request->url,
        .headers = (const char *const *)request->headers,
        .body = call->body,
        .body_len = call->body_len,
        .on_send = request->in_pieces ? on_send : NULL,
        .on_head = on_head,
        .on_data = on_data,
        .data = call,
        .cancel = slow->cancel,
    };

    call->until_ms = clock_mono_ms() + request->total_ms;
    call->slow.r =
        explain(call, slow->host->client->fetch(slow->ctx, &fetch, &fetched, &call->slow.err));
    json_decref(fetched.headers);
}

/* ---- on the run's thread: the answer ---- */

static json_t *header_list(const json_t *headers)
{
    json_t *list = json_array();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)headers, name, value)
    {
        size_t i;
        json_t *one;
        if (!json_is_array(value))
            json_array_append_new(list, json_pack("[s, O]", name, value));
        else
            json_array_foreach(value, i, one)
                json_array_append_new(list, json_pack("[s, O]", name, one));
    }
    return list;
}

/* Its answer is counted as that of a call again. */
static void count_answer(const struct http_call *call, struct agent *agent)
{
    if (!call->request.in_pieces)
        return;
    agent->uploads--;
    agent->in_flight++;
}

static void tell_head(struct http_call *call, struct agent *agent, bool more)
{
    EIN_FREE char *bytes = NULL;
    size_t len = body_pipe_take(&call->reply, &bytes);

    call->told = true;
    count_answer(call, agent);
    agent_reply(agent, call->slow.id,
                json_pack("{s:i, s:o, s:b}", "status", call->status, "headers",
                          header_list(call->headers), "more", more),
                bytes, len);
}

static void tell_piece(struct http_call *call, struct agent *agent, bool last)
{
    EIN_FREE char *bytes = NULL;
    size_t len = body_pipe_take(&call->reply, &bytes);

    if (len == 0 && !last)
        return;
    EIN_JSON json_t *message =
        json_pack("{s:s, s:I, s:b}", "t", "piece", "id", (json_int_t)call->slow.id, "last", last);
    agent_tell(agent, message, bytes, len);
}

/* That the process may send as much again. */
static void tell_used(struct http_call *call, struct agent *agent)
{
    size_t len = call->request.in_pieces ? body_pipe_use_all(&call->upload) : 0;

    if (len == 0)
        return;
    EIN_JSON json_t *message = json_pack("{s:s, s:I, s:I}", "t", "used", "id",
                                         (json_int_t)call->slow.id, "n", (json_int_t)len);
    agent_tell(agent, message, NULL, 0);
}

static void news(struct slow_call *slow, struct agent *agent)
{
    struct http_call *call = (struct http_call *)slow;

    tell_used(call, agent);
    if (agent->ended || !atomic_load(&call->headed))
        return;
    if (call->told)
        tell_piece(call, agent, false);
    else
        tell_head(call, agent, true);
}

static const char *fault_type(const struct http_call *call)
{
    switch (call->slow.r) {
    case EIN_E_TIMEOUT:
        return "ReadTimeout";
    case EIN_E_TOO_LARGE:
        return "ReadError";
    case EIN_E_INVALID:
        return "UnsupportedProtocol";
    default:
        return atomic_load(&call->headed) ? "ReadError" : "ConnectError";
    }
}

/* In the place of the last piece. */
static void tell_fault(struct http_call *call, struct agent *agent)
{
    EIN_JSON json_t *fault =
        json_pack("{s:s, s:I, s:s, s:s}", "t", "err", "id", (json_int_t)call->slow.id, "type",
                  fault_type(call), "msg", call->slow.err.text);

    if (call->told)
        tell_piece(call, agent, false);
    else
        tell_head(call, agent, true);
    agent_tell(agent, fault, NULL, 0);
}

static void answer(struct slow_call *slow, struct agent *agent)
{
    struct http_call *call = (struct http_call *)slow;

    if (call->slow.r < 0 && !atomic_load(&call->headed)) {
        count_answer(call, agent);
        agent_refuse(agent, slow->id, fault_type(call), call->slow.err.text);
    } else if (call->slow.r < 0)
        tell_fault(call, agent);
    else if (call->told)
        tell_piece(call, agent, true);
    else
        tell_head(call, agent, false);
}

/* ---- on the run's thread: what the process says ---- */

static bool take(struct slow_call *slow, const void *bytes, size_t len, bool last)
{
    struct http_call *call = (struct http_call *)slow;

    if (!call->request.in_pieces || body_pipe_put(&call->upload, bytes, len) < 0)
        return false;
    call->uploaded += len;
    if (call->uploaded > call->most) {
        atomic_store(&call->too_long, true);
        body_pipe_break(&call->upload);
    }
    if (last)
        body_pipe_end(&call->upload);
    return true;
}

static void used(struct slow_call *slow, size_t len)
{
    struct http_call *call = (struct http_call *)slow;

    body_pipe_used(&call->reply, len);
}

static void stop(struct slow_call *slow)
{
    struct http_call *call = (struct http_call *)slow;

    body_pipe_break(&call->upload);
    body_pipe_break(&call->reply);
}

static const struct slow_kind kind = { .lane = SLOW_HTTP,
                                       .perform = perform,
                                       .answer = answer,
                                       .free = call_free,
                                       .news = news,
                                       .take = take,
                                       .used = used,
                                       .stop = stop };

/* ---- begin ---- */

/* What is longer than the window comes in pieces. */
static int take_body(struct http_call *call, const void *body, size_t len, struct ein_error *err)
{
    if (len > call->upload.window)
        return error_set(err, EIN_E_INVALID, "A body of %zu bytes has to be streamed.", len);
    if (call->request.in_pieces)
        return take(&call->slow, body, len, false) ? 0 : error_no_memory(err);
    if (len > call->most)
        return error_set(err, EIN_E_TOO_LARGE, "The request's body is longer than %llu bytes.",
                         (unsigned long long)call->most);
    call->body = len ? malloc(len) : NULL;
    if (len && !call->body)
        return error_no_memory(err);
    if (len)
        memcpy(call->body, body, len);
    call->body_len = len;
    return 0;
}

static int make_call(const struct limits *limits, const json_t *params, const void *body,
                     size_t body_len, struct http_call **ret_call, struct ein_error *err)
{
    struct http_call *call = calloc(1, sizeof(*call));
    size_t window = (size_t)limits->http_window_kb << 10;

    if (!call)
        return error_no_memory(err);
    body_pipe_init(&call->upload, window);
    body_pipe_init(&call->reply, window);
    call->slow.kind = &kind;
    call->most = (uint64_t)limits->http_body_kb << 10;
    int r = http_request_read(params, limits, &call->request, err);
    if (r == 0)
        r = take_body(call, body, body_len, err);
    if (r < 0) {
        call_free(&call->slow);
        return r;
    }
    *ret_call = call;
    return 0;
}

static int check(struct agent *agent, const json_t *params, struct ein_error *err)
{
    const struct run *run = agent->run;
    const char *url = json_string_value(json_object_get(params, "url"));
    int r = declared_host(agent, url ? url : "", err);

    if (r < 0)
        return r;
    if (!run->runtime->host->client)
        return error_set(err, EIN_E_UNAVAILABLE, "Agents have no HTTP client on this server.");
    if (agent->uploads >= run->limits.calls_in_flight)
        return error_set(err, EIN_E_BUSY,
                         "No more than %u requests with streamed bodies may be open.",
                         run->limits.calls_in_flight);
    if (!slow_count(agent, SLOW_HTTP))
        return error_set(err, EIN_E_BUSY, "This run has reached its limit of HTTP requests.");
    return 0;
}

static const char *refusal_type(int code)
{
    return code == EIN_E_DENIED    ? "PermissionError"
           : code == EIN_E_INVALID ? "UnsupportedProtocol"
                                   : "ConnectError";
}

void http_call(struct agent *agent, int64_t call_id, const struct json_t *params, const void *body,
               size_t body_len)
{
    struct http_call *call = NULL;
    struct ein_error err;
    int r = check(agent, params, &err);

    if (r == 0)
        r = make_call(&agent->run->limits, params, body, body_len, &call, &err);
    if (r < 0) {
        agent_refuse(agent, call_id, refusal_type(r), err.text);
        return;
    }
    /* While more of it is to come from the process, it must not keep the process from being
     * heard. */
    if (call->request.in_pieces) {
        agent->uploads++;
        agent->in_flight--;
    }
    slow_begin(agent, call_id, &call->slow);
}
