/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"
#include "cancel.h"
#include "cleanup.h"
#include "clock.h"
#include "http_inside.h"
#include "log.h"
#include "percent.h"
#include "proxy.h"
#include "str.h"
#include "tracing.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t len;
} known_headers[HEADER_KNOWN] = {
#define KNOWN(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    [HEADER_HOST] = KNOWN("Host"),
    [HEADER_ORIGIN] = KNOWN("Origin"),
    [HEADER_REQUEST_ID] = KNOWN("X-Request-ID"),
    [HEADER_TRACEPARENT] = KNOWN("traceparent"),
    [HEADER_FETCH_SITE] = KNOWN("Sec-Fetch-Site"),
    [HEADER_FETCH_MODE] = KNOWN("Sec-Fetch-Mode"),
    [HEADER_ACCEPT] = KNOWN("Accept"),
    [HEADER_IF_NONE_MATCH] = KNOWN("If-None-Match"),
    [HEADER_COOKIE] = KNOWN("Cookie"),
    [HEADER_CONTENT_LENGTH] = KNOWN("Content-Length"),
    [HEADER_TRANSFER_ENCODING] = KNOWN("Transfer-Encoding"),
#undef KNOWN
};

/* ---- the head ---- */

/* The length of a header's name; 0: it is none. */
static size_t name_len(const char *name)
{
    size_t len = str_token(name);

    return name[len] ? 0 : len;
}

/* The length of a header's value; BAD if it has what ends a line, or means nothing, elsewhere. */
static size_t value_len(const char *value, bool *bad)
{
    size_t len = 0;

    for (; value[len]; len++)
        if (iscntrl((unsigned char)value[len]) && value[len] != '\t')
            *bad = true;
    return len;
}

static void find_known(struct ein_req *req)
{
    for (size_t i = 0; i < req->head.count; i++) {
        const char *name = req->head.names[i], *value = req->head.values[i];
        size_t len = name_len(name);

        req->bad_name |= len == 0;
        req->header_bytes +=
            len + (value ? value_len(value, &req->bad_value) : 0) + sizeof(": \r\n") - 1;
        for (size_t k = 0; k < HEADER_KNOWN; k++)
            if (len == known_headers[k].len && !req->known[k] &&
                strcasecmp(name, known_headers[k].name) == 0)
                req->known[k] = value;
    }
}

/* "http://host/path" is what proxies are sent.  A host that is not that of the Host header would
 * be a request for another server. */
static const char *skip_authority(struct ein_req *req, const char *target)
{
    const char *host = NULL, *path;

    if (target[0] == '/')
        return target;
    if (strncasecmp(target, "http://", 7) == 0)
        host = target + 7;
    else if (strncasecmp(target, "https://", 8) == 0)
        host = target + 8;
    if (!host)
        return target;
    path = host + strcspn(host, "/?");
    req->other_host = !req->known[HEADER_HOST] ||
                      strlen(req->known[HEADER_HOST]) != (size_t)(path - host) ||
                      strncasecmp(req->known[HEADER_HOST], host, (size_t)(path - host)) != 0;
    return *path == '/' ? path : "/";
}

static void split_target(struct ein_req *req)
{
    const char *path = skip_authority(req, req->head.target);
    const char *query = strchr(path, '?');

    req->path = path;
    req->path_len = query ? (size_t)(query - path) : strlen(path);
    req->query_text = query && query[1] != '\0' ? query + 1 : NULL;
}

/* It goes into logs and pages: nothing that could mean something there. */
static bool good_id(const char *id)
{
    return strnlen(id, REQUEST_ID_MAX + 1) <= REQUEST_ID_MAX &&
           str_only(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=~@");
}

void request_init(struct ein_req *req, struct http *http, const struct head *head)
{
    memset(req, 0, offsetof(struct ein_req, first));
    req->http = http;
    req->settings = http_settings(http);
    req->head = *head;
    req->start_us = clock_mono_us();
    (void)pthread_mutex_init(&req->cancel_lock, NULL);
    arena_init(&req->arena, req->first, sizeof(req->first), REQUEST_ARENA_MAX);

    find_known(req);
    split_target(req);
    proxy_read(req);
    req->id = req->known[HEADER_REQUEST_ID];
    if (!req->id || !good_id(req->id)) {
        http_make_id(http, req->made_id);
        req->id = req->made_id;
    }
}

/* Members that somebody else keeps are theirs to wipe. */
static void wipe_texts(json_t *json)
{
    const char *name;
    json_t *item;
    size_t i;

    if (!json || json->refcount > 1)
        return;
    json_object_foreach(json, name, item) wipe_texts(item);
    json_array_foreach(json, i, item) wipe_texts(item);
    if (json_is_string(json))
        explicit_bzero((char *)json_string_value(json), json_string_length(json));
}

void request_wipe_body(struct ein_req *req)
{
    if (req->head.body)
        explicit_bzero((void *)req->head.body, req->head.body_len);
    wipe_texts(req->body);
}

void request_done(struct ein_req *req)
{
    request_drop_cancel(req);
    (void)pthread_mutex_destroy(&req->cancel_lock);
    json_decref(req->query);
    json_decref(req->body);
    json_decref(req->claims);
    free(req->reply.body);
    arena_done(&req->arena);
}

/* Several headers of a name have become one, with commas between. */
static bool is_host(const char *host)
{
    return !str_has_control(host) && host[strcspn(host, " ,/?#@\\")] == '\0';
}

const char *request_head_fault(const struct ein_req *req)
{
    const char *length = req->known[HEADER_CONTENT_LENGTH], *host = req->known[HEADER_HOST];
    const char *coding = req->known[HEADER_TRANSFER_ENCODING];

    if (req->head.fault)
        return req->head.fault;
    if (req->bad_name)
        return "A header has no proper name.";
    if (req->bad_value)
        return "A header's value has a control character.";
    if (!host && str_eq(req->head.version, "HTTP/1.1"))
        return "There is no Host header.";
    if (host && !is_host(host))
        return "The Host header is not one host.";
    if (str_has_control(req->head.target) || strchr(req->head.target, ' '))
        return "The URL has a space or a control character.";
    if (req->other_host)
        return "The URL and the Host header name different hosts.";
    if (length && length[strspn(length, "0123456789")] != '\0')
        return "The Content-Length is not one number.";
    if (length && coding)
        return "There are both a Content-Length and a Transfer-Encoding.";
    if (coding && (strcasecmp(coding, "chunked") != 0 || str_eq(req->head.version, "HTTP/1.0")))
        return "Of the Transfer-Encodings only chunked is known, and only in HTTP/1.1.";
    return NULL;
}

/* ---- the query ---- */

/* Decodes "a+b%20c" in place of a copy. */
static char *decode_form(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_text(arena, text, len);
    long decoded;

    if (!copy)
        return NULL;
    for (char *at = copy; (at = strchr(at, '+'));)
        *at = ' ';
    decoded = percent_decode(copy, len);
    if (decoded < 0)
        return NULL;
    copy[decoded] = '\0';
    return copy;
}

static int add_pair(struct ein_req *req, json_t *query, const char *pair, size_t len)
{
    const char *equals = memchr(pair, '=', len);
    size_t key_len = equals ? (size_t)(equals - pair) : len;
    const char *key, *value = "";

    if (len == 0)
        return 0;
    key = decode_form(&req->arena, pair, key_len);
    if (equals)
        value = decode_form(&req->arena, equals + 1, len - key_len - 1);
    if (!key || !value || json_object_set_new(query, key, json_string(value)) < 0)
        return EIN_E_INVALID;
    return 0;
}

int request_parse_query(struct ein_req *req)
{
    EIN_JSON json_t *query = json_object();

    for (const char *at = req->query_text; at && *at != '\0' && *at != '#';) {
        size_t len = strcspn(at, "&#");
        int r = add_pair(req, query, at, len);

        if (r < 0)
            return r;
        at += len + (at[len] == '&');
    }
    if (!query)
        return EIN_E_NO_MEMORY;
    req->query = EIN_TAKE(query);
    return 0;
}

/* ---- struct ein_http ---- */

/* What is made when first asked for is no change that a caller can see. */
static struct ein_req *writable(const struct ein_req *req)
{
    return (struct ein_req *)req;
}

const char *request_method(const struct ein_req *req)
{
    return req->head.method;
}

const char *request_path(const struct ein_req *req)
{
    if (req->path[req->path_len] == '\0')
        return req->path;
    if (!req->path_text)
        writable(req)->path_text = arena_text(&writable(req)->arena, req->path, req->path_len);
    return req->path_text ? req->path_text : "";
}

const char *request_path_param(const struct ein_req *req, const char *name)
{
    for (size_t i = 0; i < req->params.count; i++)
        if (str_eq(req->params.items[i].name, name))
            return req->params.items[i].value;
    return NULL;
}

/* What is no text is there, all the same, or a byte would hide for whom a proxy asks. */
static const char *as_text(struct ein_req *req, const char *value)
{
    size_t left = strlen(value), len;

    if (str_is_utf8(value, left))
        return value;
    char *text = arena_text(&req->arena, value, left);
    for (char *at = text; text && left; at += len, left -= len) {
        len = str_utf8_len(at, left);
        if (len == 0) {
            *at = '?';
            len = 1;
        }
    }
    return text ? text : "?";
}

const char *request_header(const struct ein_req *req, const char *name)
{
    for (size_t i = 0; name && i < req->head.count; i++) {
        const char *value = req->head.values[i];

        if (strcasecmp(req->head.names[i], name) != 0)
            continue;
        if (!value)
            return NULL;
        /* Browser front ends send it when they have no token. */
        if (strcasecmp(name, "Authorization") == 0 && strcasecmp(value, "Bearer null") == 0)
            return NULL;
        return as_text(writable(req), value);
    }
    return NULL;
}

const char *request_cookie(const struct ein_req *req, const char *name)
{
    const char *at = name ? req->known[HEADER_COOKIE] : NULL;
    size_t name_len = name ? strlen(name) : 0;

    while (at && *at) {
        size_t len = strcspn(at, ";"), rest = len;
        const char *pair = str_trim(at, &rest);

        if (rest > name_len && memcmp(pair, name, name_len) == 0 && pair[name_len] == '=') {
            const char *value = pair + name_len + 1;

            rest -= name_len + 1;
            if (rest >= 2 && value[0] == '"' && value[rest - 1] == '"') {
                value++;
                rest -= 2;
            }
            return str_is_utf8(value, rest) ? arena_text(&writable(req)->arena, value, rest) : NULL;
        }
        at += len + (at[len] == ';');
    }
    return NULL;
}

const json_t *request_query(const struct ein_req *req)
{
    if (!req->query)
        writable(req)->query = json_object();
    return req->query;
}

const json_t *request_body(const struct ein_req *req)
{
    return req->body;
}

const void *request_raw_body(const struct ein_req *req, size_t *ret_len)
{
    if (ret_len)
        *ret_len = req->head.body_len;
    return req->head.body_len > 0 ? req->head.body : NULL;
}

const struct ein_identity *request_identity(const struct ein_req *req)
{
    return req->identity;
}

const char *request_client_addr(const struct ein_req *req)
{
    return req->client_addr;
}

const char *request_id(const struct ein_req *req)
{
    return req->id;
}

const char *request_traceparent(const struct ein_req *req)
{
    const char *parent = req->known[HEADER_TRACEPARENT];

    return tracing_is_parent(parent) ? parent : NULL;
}

const char *request_trace_id(const struct ein_req *req)
{
    if (req->trace_id[0] == '\0') {
        const char *parent = request_traceparent(req);
        char *id = writable(req)->trace_id;

        if (parent)
            memcpy(id, parent + 3, TRACE_ID_SIZE - 1);
        else
            http_make_id(req->http, id);
    }
    return req->trace_id;
}

void *request_alloc(struct ein_req *req, size_t size)
{
    return arena_alloc(&req->arena, size);
}

uint32_t request_left_ms(const struct ein_req *req)
{
    int64_t used = (clock_mono_us() - req->start_us) / 1000;
    int64_t left = (int64_t)req->settings->limits.request_ms - used;

    return left > 0 ? (uint32_t)left : 0;
}

struct ein_cancel *request_cancel(struct ein_req *req)
{
    EIN_LOCKED(&req->cancel_lock);

    if (!req->has_cancel) {
        cancel_init(&req->cancel, req->route ? req->route->owner.stopping : NULL);
        /* Who leaves with an Idempotency-Key will ask again. */
        watch_add(req->http->watch, &req->watch, req->once ? -1 : req->head.fd, &req->cancel,
                  req->claims);
        req->has_cancel = true;
    }
    return &req->cancel;
}

void request_drop_cancel(struct ein_req *req)
{
    if (!req->has_cancel)
        return;
    watch_remove(req->http->watch, &req->watch);
    cancel_done(&req->cancel);
    req->has_cancel = false;
}

const char *request_origin(const struct ein_req *req)
{
    const char *host = req->known[HEADER_HOST];

    if (req->settings->public_url)
        return req->settings->public_url;
    return host ? arena_printf(&writable(req)->arena, "%s://%s", req->is_https ? "https" : "http",
                               host)
                : NULL;
}

void request_log(const struct ein_req *req, int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vwrite(req->http->log, level, req->route ? req->route->owner.name : "server", req->id, fmt,
               args);
    va_end(args);
}

int request_navigates(const struct ein_req *req)
{
    const char *mode = req->known[HEADER_FETCH_MODE], *accept = req->known[HEADER_ACCEPT];

    return mode ? str_eq(mode, "navigate") : accept && strcasestr(accept, "text/html");
}
