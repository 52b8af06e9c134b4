/* SPDX-License-Identifier: Apache-2.0 */
#include "http_call.h"
#include "cleanup.h"
#include "declared.h"
#include "error.h"
#include "slow_call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEADERS_MAX = 128 };

struct http_call {
    struct slow_call slow;
    char *method, *url, *headers[HEADERS_MAX + 1];
    void *body;
    struct ein_fetch fetch;
    struct ein_fetched fetched;
    struct ein_error err;
    int r;
};

static void call_free(struct slow_call *slow)
{
    struct http_call *call = (struct http_call *)slow;

    for (char **header = call->headers; *header; header++)
        free(*header);
    json_decref(call->fetched.headers);
    if (call->fetched.body)
        slow->host->mem_free(call->fetched.body);
    free(call->method);
    free(call->url);
    free(call->body);
    free(call);
}

static void perform(struct slow_call *slow)
{
    struct http_call *call = (struct http_call *)slow;

    call->fetch.cancel = slow->cancel;
    call->r = slow->host->client->fetch(slow->ctx, &call->fetch, &call->fetched, &call->err);
}

/* ---- the request ------------------------------------------------------------------- */

/* Those the connection owns, and those that say what we understand. */
static bool is_ours(const char *name)
{
    static const char *const names[] = { "host",
                                         "connection",
                                         "keep-alive",
                                         "te",
                                         "trailer",
                                         "transfer-encoding",
                                         "upgrade",
                                         "proxy-authorization",
                                         "proxy-connection",
                                         "expect",
                                         "content-length",
                                         "accept-encoding" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_clean(const char *text)
{
    return text && !strpbrk(text, "\r\n");
}

static bool copy_headers(struct http_call *call, const json_t *headers)
{
    size_t i, count = 0;
    json_t *pair;

    json_array_foreach((json_t *)headers, i, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));
        if (!is_clean(name) || !is_clean(value) || !*name || strpbrk(name, ": ") ||
            count == HEADERS_MAX)
            return false;
        if (is_ours(name))
            continue;
        if (asprintf(&call->headers[count], "%s: %s", name, value) < 0) {
            call->headers[count] = NULL;
            return false;
        }
        count++;
    }
    return true;
}

static bool is_method(const char *method)
{
    return method && *method && strlen(method) < 32 &&
           strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(method);
}

static uint32_t timeout_of(const json_t *params, const char *name, uint32_t most_ms)
{
    double seconds = json_number_value(json_object_get(json_object_get(params, "timeout"), name));

    return seconds > 0 && seconds * 1000 < most_ms ? (uint32_t)(seconds * 1000) + 1 : most_ms;
}

/* ---- the answer ------------------------------------------------------------------------ */

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

static const char *fault_type(int code)
{
    switch (code) {
    case EIN_E_TIMEOUT:
        return "ReadTimeout";
    case EIN_E_TOO_LARGE:
        return "ReadError";
    case EIN_E_INVALID:
        return "UnsupportedProtocol";
    default:
        return "ConnectError";
    }
}

static void answer(struct slow_call *slow, struct agent *agent)
{
    const struct http_call *call = (const struct http_call *)slow;

    if (call->r < 0) {
        agent_refuse(agent, slow->id, fault_type(call->r), call->err.text);
        return;
    }
    agent_reply(agent, slow->id,
                json_pack("{s:i, s:o}", "status", (int)call->fetched.status, "headers",
                          header_list(call->fetched.headers)),
                call->fetched.body, call->fetched.body ? call->fetched.body_len : 0);
}

static const struct slow_kind kind = {
    .lane = SLOW_HTTP, .perform = perform, .answer = answer, .free = call_free
};

static struct http_call *make_call(const struct run *run, const json_t *params, const void *body,
                                   size_t body_len)
{
    const char *method = json_string_value(json_object_get(params, "method"));
    const char *url = json_string_value(json_object_get(params, "url"));
    uint32_t most_ms = run->limits.http_timeout_ms;
    struct http_call *call = calloc(1, sizeof(*call));

    if (!call)
        return NULL;
    call->slow.kind = &kind;
    call->method = is_method(method) ? strdup(method) : NULL;
    call->url = is_clean(url) ? strdup(url) : NULL;
    call->body = body_len ? malloc(body_len) : NULL;
    if (!call->method || !call->url || (body_len && !call->body) ||
        !copy_headers(call, json_object_get(params, "headers"))) {
        call_free(&call->slow);
        return NULL;
    }
    if (body_len)
        memcpy(call->body, body, body_len);
    call->fetched.struct_size = sizeof(call->fetched);
    call->fetch = (struct ein_fetch){
        .struct_size = sizeof(call->fetch),
        .egress = EIN_EGRESS_PUBLIC,
        .connect_ms = timeout_of(params, "connect", most_ms),
        .first_byte_ms = timeout_of(params, "read", most_ms),
        .idle_ms = timeout_of(params, "read", most_ms),
        .total_ms = most_ms,
        .max_bytes = (uint64_t)run->limits.http_body_kb << 10,
        .method = call->method,
        .url = call->url,
        .headers = (const char *const *)call->headers,
        .body = call->body,
        .body_len = body_len,
    };
    return call;
}

/* ---- begin ------------------------------------------------------------------------------ */

void http_call(struct agent *agent, int64_t call_id, const struct json_t *params, const void *body,
               size_t body_len)
{
    struct run *run = agent->run;
    const char *url = json_string_value(json_object_get(params, "url"));
    struct ein_error err;
    struct http_call *call;

    if (declared_host(agent, url ? url : "", &err) < 0) {
        agent_refuse(agent, call_id,
                     err.code == EIN_E_DENIED ? "PermissionError" : "UnsupportedProtocol",
                     err.text);
        return;
    }
    if (!run->runtime->host->client) {
        agent_refuse(agent, call_id, "ConnectError", "Agents have no HTTP client on this server.");
        return;
    }
    if (body_len > (size_t)run->limits.http_body_kb << 10) {
        agent_refuse(agent, call_id, "ConnectError", "The request's body is over the limit.");
        return;
    }
    if (!slow_count(agent, SLOW_HTTP)) {
        agent_refuse(agent, call_id, "ConnectError",
                     "This run has made as many requests as it may.");
        return;
    }
    call = make_call(run, params, body, body_len);
    if (call)
        slow_begin(agent, call_id, &call->slow);
    else
        agent_refuse(agent, call_id, "UnsupportedProtocol", "This is not a proper HTTP request.");
}
