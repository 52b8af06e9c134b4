/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "buf.h"
#include "cleanup.h"
#include "client_head.h"
#include "client_line.h"
#include "client_lookup.h"
#include "client_settings.h"
#include "client_transfer.h"
#include "client_url.h"
#include "clock.h"
#include "egress.h"
#include "error.h"
#include "member.h"
#include "metrics.h"
#include "str.h"
#include "tracing.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <string.h>

enum { REDIRECT_BODY_MAX = 64 * 1024, HEADERS_COUNT_MAX = 128, METHOD_MAX = 16 };

struct client {
    char *listen_host;
    uint16_t listen_port;
    struct metrics *metrics;
    struct tracing *tracing; /* may be NULL */
    struct metric *seconds, *successes;
    pthread_mutex_t lock;
    pthread_cond_t idle;              /* there are no fetches */
    struct client_settings *settings; /* guarded by lock */
    uint64_t fetches;                 /* guarded by lock */
    struct lines *lines;
    struct url_memo *urls;
};

/* ---- settings ---- */

static struct client_settings *settings_hold(struct client *client)
{
    EIN_LOCKED(&client->lock);

    client->fetches++;
    client->settings->users++;
    return client->settings;
}

/* The client may be gone afterwards. */
static void settings_give_back(struct client *client, struct client_settings *settings)
{
    bool last;

    {
        EIN_LOCKED(&client->lock);
        last = --settings->users == 0;
        if (--client->fetches == 0)
            (void)pthread_cond_signal(&client->idle);
    }
    if (last)
        client_settings_free(settings);
}

/* ---- what is counted ---- */

static const char *const outcomes[] = {
    [0] = "success",
    [-EIN_E_INVALID] = "invalid",
    [-EIN_E_DENIED] = "denied",
    [-EIN_E_UNAVAILABLE] = "unavailable",
    [-EIN_E_TIMEOUT] = "timeout",
    [-EIN_E_CANCELLED] = "cancelled",
    [-EIN_E_TOO_LARGE] = "too_large",
};

static const char *outcome_name(int r)
{
    size_t at = (size_t)-r;

    return at < sizeof(outcomes) / sizeof(outcomes[0]) && outcomes[at] ? outcomes[at] : "error";
}

static struct metric *counter_of(struct client *client, int r)
{
    const char *labels[] = { "outcome", outcome_name(r), NULL };

    return r == 0 && client->successes ? client->successes
                                       : metrics_counter(client->metrics, "einion_fetches_total",
                                                         "Outgoing HTTP requests", labels);
}

/* ---- the client ---- */

int client_new(const json_t *section, const char *listen_host, uint16_t listen_port,
               struct metrics *metrics, struct client **ret_client, struct ein_error *err)
{
    struct client *client = calloc(1, sizeof(*client));
    int r;

    if (!client)
        return error_no_memory(err);
    (void)pthread_mutex_init(&client->lock, NULL);
    (void)pthread_cond_init(&client->idle, NULL);
    client->listen_host = listen_host ? strdup(listen_host) : NULL;
    client->listen_port = listen_port;
    client->metrics = metrics;
    if (metrics) {
        client->seconds = metrics_histogram(metrics, "einion_fetch_seconds",
                                            "How long outgoing HTTP requests took", NULL);
        client->successes = counter_of(client, 0);
    }
    r = listen_host && !client->listen_host
            ? error_no_memory(err)
            : client_settings_load(section, listen_host, listen_port, &client->settings, err);
    if (r == 0)
        r = lines_new(&client->lines, err);
    client->urls = url_memo_new();
    if (r == 0 && !client->urls)
        r = error_no_memory(err);
    if (r < 0) {
        client_free(client);
        return r;
    }
    lines_configure(client->lines, &client->settings->lines);
    *ret_client = client;
    return 0;
}

static void tell_tracing(const struct client *client, const struct client_settings *settings)
{
    if (client->tracing)
        tracing_carry_on(client->tracing, json_array_size(settings->traced) > 0);
}

void client_set_tracing(struct client *client, struct tracing *tracing)
{
    client->tracing = tracing;
    tell_tracing(client, client->settings);
}

int client_check(const struct client *client, const json_t *section, struct ein_error *err)
{
    struct client_settings *settings = NULL;
    int r = client_settings_load(section, client->listen_host, client->listen_port, &settings, err);

    client_settings_free(settings);
    return r;
}

int client_reload(struct client *client, const json_t *section, struct ein_error *err)
{
    struct client_settings *settings, *before = NULL;
    int r = client_settings_load(section, client->listen_host, client->listen_port, &settings, err);

    if (r < 0)
        return r;
    {
        EIN_LOCKED(&client->lock);
        if (--client->settings->users == 0)
            before = client->settings;
        client->settings = settings;
        lines_configure(client->lines, &settings->lines);
        tell_tracing(client, settings);
    }
    client_settings_free(before);
    return 0;
}

static void end_fetches(struct client *client)
{
    if (client->lines)
        lines_end(client->lines);
    EIN_LOCKED(&client->lock);
    while (client->fetches > 0)
        (void)pthread_cond_wait(&client->idle, &client->lock);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    end_fetches(client);
    lines_free(client->lines);
    url_memo_free(client->urls);
    client_settings_free(client->settings);
    free(client->listen_host);
    (void)pthread_cond_destroy(&client->idle);
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

/* ---- one fetch ---- */

struct fetch {
    struct ein_fetch what; /* zero beyond what the caller knows */
    const struct client_settings *settings;
    bool public;
    struct client_url url;
    const char *method;
    /* Lines of the caller's, NULL-ended, with room for a traceparent. */
    const char *headers[HEADERS_COUNT_MAX + 2];
    char traceparent[sizeof("traceparent: ") + EIN_TRACEPARENT_SIZE];
    bool send_body;
    int64_t send_len;
    bool decode;
    uint32_t hops_left;
    uint64_t max_bytes;
    bool keep_head; /* until the end */

    char *location;       /* of the redirect that is being read */
    size_t location_body; /* bytes of it */
    int status;
    json_t *head;
    struct buf body;
};

/* Headers that describe one connection, or that libcurl writes itself. */
static const char *const hop_by_hop[] = { "connection", "keep-alive",     "proxy-connection",
                                          "te",         "trailer",        "transfer-encoding",
                                          "upgrade",    "content-length", "proxy-authorization",
                                          NULL };

/* What is meant for one origin only. */
static const char *const credentials[] = {
    "authorization",        "cookie", "x-api-key",   "api-key", "x-auth-token", "x-goog-api-key",
    "x-amz-security-token", "host",   "traceparent", NULL
};

static const char *const host_header[] = { "host", NULL };
static const char *const encoding_header[] = { "accept-encoding", NULL };
static const char *const length_header[] = { "content-length", NULL };
static const char *const body_headers[] = { "content-type", "content-encoding", "content-language",
                                            "content-location", NULL };

static int take_header(struct fetch *fetch, const char *line, size_t *count, struct ein_error *err)
{
    uint64_t length;

    if (!client_head_is_valid(line))
        return error_set(err, EIN_E_INVALID, "a header is not \"Name: value\"");
    if (client_head_is_one_of(line, length_header) &&
        str_to_u64(client_head_value(line), &length) && length <= INT64_MAX)
        fetch->send_len = (int64_t)length;
    if (client_head_is_one_of(line, encoding_header))
        fetch->decode = false;
    if (client_head_is_one_of(line, hop_by_hop) ||
        (fetch->public && client_head_is_one_of(line, host_header)))
        return 0;
    fetch->headers[(*count)++] = line;
    return 0;
}

static int take_headers(struct fetch *fetch, struct ein_error *err)
{
    const char *const *lines = fetch->what.headers;
    size_t given = 0, count = 0;
    int r = 0;

    fetch->send_len = -1;
    fetch->decode = true;
    for (; lines && lines[given] && r == 0; given++)
        r = given == HEADERS_COUNT_MAX
                ? error_set(err, EIN_E_INVALID, "more than %d headers", HEADERS_COUNT_MAX)
                : take_header(fetch, lines[given], &count, err);
    return r;
}

static void drop_headers(struct fetch *fetch, const char *const *names)
{
    const char **to = fetch->headers;

    for (const char **from = fetch->headers; *from; from++) {
        if (!client_head_is_one_of(*from, names))
            *to++ = *from;
    }
    *to = NULL;
}

static bool method_is_valid(const char *method)
{
    size_t len = strlen(method);

    for (size_t i = 0; i < len; i++) {
        if (!isupper((unsigned char)method[i]))
            return false;
    }
    return len > 0 && len <= METHOD_MAX && !str_eq(method, "CONNECT");
}

static uint32_t connect_ms(const struct transfer *transfer)
{
    int64_t left_ms = transfer->until_ms - clock_mono_ms();

    if (left_ms < 0)
        return 0;
    return left_ms < transfer->connect_ms ? (uint32_t)left_ms : transfer->connect_ms;
}

/* Refused before anything is sent or asked of a name server; what a name leads to is checked when
 * it is connected to. */
static int check_url(const struct fetch *fetch, const struct transfer *transfer,
                     struct ein_error *err)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    const struct egress *egress = fetch->settings->egress;
    struct addrinfo *found = NULL;
    char port[8];
    int r = 0;

    if (!fetch->public)
        return 0;
    if (fetch->url.has_user)
        return error_set(err, EIN_E_DENIED, "a URL may not carry a user name or password");
    (void)snprintf(port, sizeof(port), "%u", fetch->url.port);
    if (getaddrinfo(fetch->url.host, port, &hints, &found) != 0) {
        found = NULL;
        /* A proxy connects for us: refuse the names that are plainly not public. */
        if (fetch->settings->proxy)
            r = client_lookup(fetch->url.host, port, connect_ms(transfer), transfer->cancel, &found,
                              err);
    }
    for (const struct addrinfo *it = found; it && r == 0; it = it->ai_next)
        r = egress_check(egress, it->ai_addr, egress_allows_host(egress, fetch->url.host), err);
    if (found)
        freeaddrinfo(found);
    return r;
}

/* ---- replies ---- */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int check_length(const struct fetch *fetch, int status, const json_t *headers,
                        struct ein_error *err)
{
    const char *text = text_of(headers, "content-length");
    uint64_t length;

    if (!text || str_eq(fetch->method, "HEAD") || status == 304 || !str_to_u64(text, &length) ||
        length <= fetch->max_bytes)
        return 0;
    return error_set(err, EIN_E_TOO_LARGE, "%s: the reply is longer than %llu bytes",
                     fetch->url.host, (unsigned long long)fetch->max_bytes);
}

static int on_head(void *data, int status, json_t *headers, struct ein_error *err)
{
    struct fetch *fetch = data;
    const char *location = text_of(headers, "location");
    int r;

    fetch->status = status;
    if (is_redirect(status) && location && fetch->what.max_redirects > 0) {
        if (fetch->hops_left == 0)
            return error_set(err, EIN_E_UNAVAILABLE, "%s: more than %u redirects", fetch->url.host,
                             fetch->what.max_redirects);
        fetch->location = strdup(location);
        fetch->location_body = 0;
        return fetch->location ? 0 : error_no_memory(err);
    }
    r = check_length(fetch, status, headers, err);
    if (r < 0)
        return r;
    if (fetch->decode && json_object_get(headers, "content-encoding")) {
        (void)json_object_del(headers, "content-encoding");
        (void)json_object_del(headers, "content-length");
    }
    fetch->head = fetch->keep_head ? json_incref(headers) : NULL;
    if (fetch->what.on_head && fetch->what.on_head(fetch->what.data, status, headers) != 0)
        return error_set(err, EIN_E_CANCELLED, "stopped by the receiver");
    return 0;
}

static int on_data(void *data, const void *piece, size_t len, struct ein_error *err)
{
    struct fetch *fetch = data;

    if (fetch->location) {
        fetch->location_body += len;
        return fetch->location_body > REDIRECT_BODY_MAX;
    }
    if (fetch->what.on_data) {
        int r = fetch->what.on_data(fetch->what.data, piece, len);

        if (r != 0 && r != EIN_FETCH_ENOUGH && r != EIN_FETCH_MAY_END)
            return error_set(err, EIN_E_CANCELLED, "stopped by the receiver");
        return r;
    }
    if (buf_add(&fetch->body, piece, len) < 0)
        return error_set(err, fetch->body.error, "no memory for the reply of %s", fetch->url.host);
    return 0;
}

/* ---- hops ---- */

/* RFC 9110, 15.4: what a client does after each kind of redirect. */
static int redirect(struct fetch *fetch, struct ein_error *err)
{
    EIN_FREE char *location = EIN_TAKE(fetch->location);
    struct client_url next;
    bool keeps_method = fetch->status == 307 || fetch->status == 308;
    int r = client_url_follow(&fetch->url, location, &next, err);

    if (r < 0)
        return r;
    if (fetch->url.tls && !next.tls) {
        client_url_done(&next);
        return error_set(err, EIN_E_DENIED, "%s redirects from https to http", fetch->url.host);
    }
    if (!client_url_same_origin(&fetch->url, &next))
        drop_headers(fetch, credentials);
    client_url_done(&fetch->url);
    fetch->url = next;
    fetch->hops_left--;
    if (!keeps_method && !str_eq(fetch->method, "HEAD") && !str_eq(fetch->method, "GET")) {
        fetch->method = "GET";
        fetch->send_body = false;
        drop_headers(fetch, body_headers);
    }
    if (fetch->send_body && fetch->what.on_send)
        return error_set(err, EIN_E_UNSUPPORTED,
                         "%s: a redirect, but a body that was sent in pieces cannot be sent again",
                         fetch->url.host);
    return 0;
}

/* libcurl's own bounds are wider. */
static uint32_t piece_of(const struct ein_fetch *what)
{
    uint32_t wanted = what->piece_bytes ? what->piece_bytes : CLIENT_RECEIVE_PIECE;

    if (wanted > CLIENT_RECEIVE_PIECE)
        return CLIENT_RECEIVE_PIECE;
    return wanted < CLIENT_RECEIVE_LEAST ? CLIENT_RECEIVE_LEAST : wanted;
}

static int hop(struct lines *lines, struct fetch *fetch, int64_t until_ms, struct ein_error *err)
{
    const struct ein_fetch *what = &fetch->what;
    const struct client_settings *settings = fetch->settings;
    struct transfer transfer = {
        .url = &fetch->url,
        .method = fetch->method,
        .headers = fetch->headers,
        .proxy = settings->proxy,
        .no_proxy = settings->no_proxy,
        .trust = settings->trust,
        .egress = fetch->public ? settings->egress : NULL,
        .host_allowed = egress_allows_host(settings->egress, fetch->url.host),
        .body = fetch->send_body ? what->body : NULL,
        .body_len = what->body_len,
        .on_send = fetch->send_body ? what->on_send : NULL,
        .send_len = fetch->send_len,
        .decode = fetch->decode,
        .connect_ms = what->connect_ms ? what->connect_ms : settings->connect_ms,
        .first_byte_ms = what->first_byte_ms ? what->first_byte_ms : settings->first_byte_ms,
        .idle_ms = what->idle_ms ? what->idle_ms : settings->idle_ms,
        .linger_ms = settings->linger_ms,
        .finish_ms = settings->finish_ms,
        .line_ms = settings->lines.idle_ms,
        .until_ms = until_ms,
        .max_bytes = fetch->max_bytes,
        .piece = piece_of(what),
        .cancel = what->cancel,
        .on_head = on_head,
        .on_data = on_data,
        .data = fetch,
        .send_data = what->data,
    };
    int r = check_url(fetch, &transfer, err);

    return r < 0 ? r : transfer_run(lines, &transfer, err);
}

static int hops(struct client *client, struct fetch *fetch, int64_t began_ms, struct ein_error *err)
{
    uint32_t total_ms = fetch->what.total_ms ? fetch->what.total_ms : fetch->settings->total_ms;
    int64_t until_ms = began_ms + total_ms;
    int r;

    do {
        r = hop(client->lines, fetch, until_ms, err);
        if (r < 0 || !fetch->location)
            return r;
        r = redirect(fetch, err);
    } while (r == 0);
    return r;
}

/* ---- its place in a trace ---- */

/* A traceparent that the caller sends is the caller's business. */
static void add_traceparent(const struct client *client, struct fetch *fetch,
                            const struct ein_span *span)
{
    static const char *const name[] = { "traceparent", NULL };
    char value[EIN_TRACEPARENT_SIZE];
    size_t count = 0;

    if (!client_settings_traced(fetch->settings, fetch->url.host))
        return;
    for (; fetch->headers[count]; count++)
        if (client_head_is_one_of(fetch->headers[count], name))
            return;
    tracing_onward(client->tracing, span, value);
    if (!*value)
        return;
    (void)snprintf(fetch->traceparent, sizeof(fetch->traceparent), "traceparent: %s", value);
    fetch->headers[count] = fetch->traceparent;
}

static struct ein_span *span_begin(const struct client *client, struct fetch *fetch)
{
    struct ein_span *span;

    if (!tracing_is_on(client->tracing))
        return NULL;
    span = tracing_begin(client->tracing, EIN_SPAN_CLIENT, fetch->method);
    add_traceparent(client, fetch, span);
    return span;
}

/* Paths and queries may hold secrets, and stay out of it. */
static json_t *attributes(const struct fetch *fetch)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:o*}", "http.request.method", fetch->method,
                     "url.scheme", fetch->url.tls ? "https" : "http", "server.address",
                     fetch->url.host, "server.port", fetch->url.port, "http.response.status_code",
                     fetch->status ? json_integer(fetch->status) : NULL);
}

static void span_end(struct ein_span *span, const struct fetch *fetch, int r)
{
    char status[16];

    if (!span)
        return;
    (void)snprintf(status, sizeof(status), "%d", fetch->status);
    tracing_end(span,
                r < 0                  ? outcome_name(r)
                : fetch->status >= 400 ? status
                                       : NULL,
                attributes(fetch));
}

/* ---- in and out ---- */

static int fetch_init(struct client *client, struct fetch *fetch, const struct ein_fetch *what,
                      const struct client_settings *settings, struct ein_error *err)
{
    size_t known = what->struct_size < sizeof(*what) ? what->struct_size : sizeof(*what);
    int r;

    *fetch = (struct fetch){ .settings = settings };
    memcpy(&fetch->what, what, known);
    fetch->public = fetch->what.egress != EIN_EGRESS_OPERATOR;
    fetch->method = fetch->what.method ? fetch->what.method : "GET";
    fetch->send_body = fetch->what.body || fetch->what.on_send;
    if (fetch->what.max_redirects > CLIENT_REDIRECTS_MAX)
        fetch->what.max_redirects = CLIENT_REDIRECTS_MAX;
    fetch->hops_left = fetch->what.max_redirects;
    fetch->max_bytes = fetch->what.max_bytes ? fetch->what.max_bytes : settings->max_bytes;
    buf_init(&fetch->body, fetch->max_bytes < SIZE_MAX / 2 ? fetch->max_bytes : SIZE_MAX / 2);
    if (!method_is_valid(fetch->method))
        return error_set(err, EIN_E_INVALID, "'%.32s' is not a method to fetch with",
                         fetch->method);
    r = take_headers(fetch, err);
    return r < 0 ? r : url_memo_parse(client->urls, fetch->what.url, &fetch->url, err);
}

static void fetch_done(struct fetch *fetch)
{
    client_url_done(&fetch->url);
    free(fetch->location);
    json_decref(fetch->head);
    buf_done(&fetch->body);
}

static int give(struct fetch *fetch, struct ein_fetched *ret, struct ein_error *err)
{
    struct ein_fetched fetched = { 0 };

    if (!ret)
        return 0;
    fetched.struct_size = ret->struct_size;
    fetched.status = fetch->status;
    if (!fetch->what.on_data && ret->struct_size > offsetof(struct ein_fetched, body)) {
        fetched.body = buf_take(&fetch->body, &fetched.body_len);
        if (!fetched.body)
            return error_no_memory(err);
    }
    fetched.headers = EIN_TAKE(fetch->head);
    memcpy(ret, &fetched, ret->struct_size < sizeof(*ret) ? ret->struct_size : sizeof(*ret));
    return 0;
}

static void tell(struct client *client, int r, int64_t began_us)
{
    if (!client->metrics)
        return;
    metric_add(counter_of(client, r), 1);
    metric_observe(client->seconds, (double)(clock_mono_us() - began_us) / 1e6);
}

int client_fetch(struct client *client, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err)
{
    struct client_settings *settings = settings_hold(client);
    int64_t began_us = clock_mono_us();
    struct fetch fetch;
    int r;

    r = fetch_init(client, &fetch, what, settings, err);
    fetch.keep_head = ret != NULL;
    if (r == 0) {
        struct ein_span *span = span_begin(client, &fetch);

        r = hops(client, &fetch, began_us / 1000, err);
        span_end(span, &fetch, r);
    }
    if (r == 0)
        r = give(&fetch, ret, err);
    tell(client, r, began_us);
    fetch_done(&fetch);
    settings_give_back(client, settings);
    return r;
}
