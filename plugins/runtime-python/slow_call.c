/* SPDX-License-Identifier: Apache-2.0 */
#include "slow_call.h"
#include "cleanup.h"
#include "error.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEADERS_MAX = 128, STACK_SIZE = 256 << 10 };

struct slow_call {
    struct slow_call *next;
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t serial; /* of the agent that waits */
    int64_t id;
    int wake;
    pthread_t thread;
    bool begun;
    atomic_bool finished; /* after this the thread touches nothing */
    struct ein_cancel *cancel;

    char *method, *url, *headers[HEADERS_MAX + 1];
    void *body;
    struct ein_fetch fetch;
    struct ein_fetched fetched;
    struct ein_error err;
    int r;
};

static void slow_free(struct slow_call *call)
{
    if (call->cancel)
        call->host->cancel->drop(call->cancel);
    for (char **header = call->headers; *header; header++)
        free(*header);
    json_decref(call->fetched.headers);
    if (call->fetched.body)
        call->host->mem_free(call->fetched.body);
    free(call->method);
    free(call->url);
    free(call->body);
    free(call);
}

static void *perform(void *data)
{
    struct slow_call *call = data;
    uint64_t one = 1;
    int wake = call->wake;

    call->r = call->host->client->fetch(call->ctx, &call->fetch, &call->fetched, &call->err);
    atomic_store(&call->finished, true);
    (void)!write(wake, &one, sizeof(one));
    return NULL;
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

static bool copy_headers(struct slow_call *call, const json_t *headers)
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

static struct slow_call *make_call(struct agent *agent, int64_t id, const json_t *params,
                                   const void *body, size_t body_len)
{
    struct run *run = agent->run;
    const char *method = json_string_value(json_object_get(params, "method"));
    const char *url = json_string_value(json_object_get(params, "url"));
    uint32_t most_ms = run->limits.http_timeout_ms;
    struct slow_call *call = calloc(1, sizeof(*call));

    if (!call)
        return NULL;
    call->host = run->runtime->host;
    call->ctx = run->runtime->ctx;
    call->serial = agent->serial;
    call->id = id;
    call->wake = run->wake;
    call->method = is_method(method) ? strdup(method) : NULL;
    call->url = is_clean(url) ? strdup(url) : NULL;
    call->body = body_len ? malloc(body_len) : NULL;
    if (!call->method || !call->url || (body_len && !call->body) ||
        !copy_headers(call, json_object_get(params, "headers"))) {
        slow_free(call);
        return NULL;
    }
    if (body_len)
        memcpy(call->body, body, body_len);
    if (call->host->cancel)
        call->cancel = call->host->cancel->make(call->ctx, run->cancel);
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
        .cancel = call->cancel,
    };
    return call;
}

/* ---- their turn ---------------------------------------------------------------------- */

static bool begin(struct slow_call *call)
{
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    call->begun = pthread_create(&call->thread, &attributes, perform, call) == 0;
    pthread_attr_destroy(&attributes);
    return call->begun;
}

static void refuse(struct run *run, const struct slow_call *call, const char *type,
                   const char *text)
{
    struct agent *agent = run_agent(run, call->serial);

    if (agent)
        agent_refuse(agent, call->id, type, text);
}

static void unlink_call(struct run *run, const struct slow_call *call)
{
    struct slow_call **link = &run->slow;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
}

static void begin_waiting(struct run *run)
{
    struct slow_call *call = run->slow, *next;

    for (; call && run->http_running < run->limits.http_in_flight; call = next) {
        next = call->next;
        if (call->begun)
            continue;
        if (begin(call)) {
            run->http_running++;
            continue;
        }
        unlink_call(run, call);
        refuse(run, call, "ConnectError", "The server has no thread for the request.");
        slow_free(call);
    }
}

void slow_http(struct agent *agent, int64_t call_id, const struct json_t *params, const void *body,
               size_t body_len)
{
    struct run *run = agent->run;

    if (!run->runtime->host->client) {
        agent_refuse(agent, call_id, "ConnectError", "Agents have no HTTP client on this server.");
        return;
    }
    if (body_len > (size_t)run->limits.http_body_kb << 10) {
        agent_refuse(agent, call_id, "ConnectError", "The request's body is over the limit.");
        return;
    }
    if (++run->http_made > run->limits.http_calls) {
        agent_refuse(agent, call_id, "ConnectError",
                     "This run has made as many requests as it may.");
        return;
    }
    struct slow_call *call = make_call(agent, call_id, params, body, body_len);
    if (!call) {
        agent_refuse(agent, call_id, "UnsupportedProtocol", "This is not a proper HTTP request.");
        return;
    }
    struct slow_call **last = &run->slow;
    while (*last)
        last = &(*last)->next;
    *last = call;
    begin_waiting(run);
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

static void answer(struct run *run, const struct slow_call *call)
{
    struct agent *agent = run_agent(run, call->serial);

    if (!agent)
        return;
    if (call->r < 0) {
        agent_refuse(agent, call->id, fault_type(call->r), call->err.text);
        return;
    }
    agent_reply(agent, call->id,
                json_pack("{s:i, s:o}", "status", (int)call->fetched.status, "headers",
                          header_list(call->fetched.headers)),
                call->fetched.body, call->fetched.body ? call->fetched.body_len : 0);
}

void slow_collect(struct run *run)
{
    struct slow_call *next;
    uint64_t count;

    (void)!read(run->wake, &count, sizeof(count));
    for (struct slow_call *call = run->slow; call; call = next) {
        next = call->next;
        if (!atomic_load(&call->finished))
            continue;
        pthread_join(call->thread, NULL);
        run->http_running--;
        unlink_call(run, call);
        answer(run, call);
        slow_free(call);
    }
    begin_waiting(run);
}

void slow_cancel(struct run *run, uint32_t serial, int64_t call_id)
{
    for (struct slow_call *call = run->slow; call; call = call->next)
        if (call->serial == serial && call->id == call_id && call->cancel)
            call->host->cancel->fire(call->cancel);
}

void slow_end(struct run *run)
{
    if (run->cancel)
        run->runtime->host->cancel->fire(run->cancel);
    while (run->slow) {
        struct slow_call *call = run->slow;
        if (call->begun)
            pthread_join(call->thread, NULL);
        run->slow = call->next;
        slow_free(call);
    }
}
