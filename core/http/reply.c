/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"
#include "cleanup.h"
#include "cors.h"
#include "error_shape.h"
#include "json_text.h"
#include "member.h"
#include "request.h"
#include "schema.h"
#include "status.h"
#include "str.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char type_json[] = "application/json";

/* ---- the body ---- */

/* Takes `body` (heap).  The last reply counts, until something was sent. */
static int put(struct ein_req *req, int status, const char *type, char *body, size_t len)
{
    if (req->reply.sent) {
        free(body);
        return status;
    }
    free(req->reply.body);
    req->reply.status = status;
    req->reply.type = type;
    req->reply.body = body;
    req->reply.len = len;
    return status;
}

static void log_failure(const struct ein_req *req, const char *what)
{
    if (req->route)
        request_log(req, EIN_ERROR, "%s: %s", req->route->spec.operation_id, what);
}

/* The handler cannot have what it wants, and `what` is why. */
static int put_internal(struct ein_req *req, const char *what)
{
    static const char text[] = "{\"detail\":\"An internal server error occurred.\"}";
    char *copy = strdup(text);

    log_failure(req, what);
    return put(req, 500, type_json, copy, copy ? sizeof(text) - 1 : 0);
}

static const char not_a_status[] = "the status of the reply is not 200 to 599";

static bool valid_status(int status)
{
    return status >= 200 && status <= 599;
}

/* Of a header. */
static bool is_value(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
            return false;
    return true;
}

/* "Error executing agent: ValueError: ...": the rest is an agent's, or what it was asked. */
static size_t own_words(int status, const char *text)
{
    size_t len = strcspn(text, ":");

    return status == 500 && text[len] ? len + 1 + strcspn(text + len + 1, ":") : strlen(text);
}

/* For the log, what a refusal says: the original's `detail`, a sentence or the first fault of
 * several, or the error object of another API. */
static const char *sentence_of(struct ein_req *req, int status, const json_t *body)
{
    enum { MOST = 600 };

    const json_t *detail = json_object_get(body, "detail");
    const json_t *first = json_array_get(detail, 0), *loc = json_object_get(first, "loc");
    const char *place = json_string_value(json_array_get(loc, json_array_size(loc) - 1));
    const char *text =
        first ? text_of(first, "msg") : text_of(json_object_get(body, "error"), "message");

    if (json_is_string(detail))
        text = json_string_value(detail);
    if (!text)
        return NULL;
    size_t len = own_words(status, text);
    return arena_printf(&req->arena, "%.64s%s%.*s", place ? place : "", place ? ": " : "",
                        (int)(len < MOST ? len : MOST), text);
}

int reply_json(struct ein_req *req, int status, json_t *take_body)
{
    EIN_JSON json_t *body = take_body;
    char *text;
    size_t len;

    if (!valid_status(status))
        return put_internal(req, not_a_status);
    if (!body)
        return put(req, status, NULL, NULL, 0);
    req->said = status >= 400 ? sentence_of(req, status, body) : NULL;
    text = json_text_dump(body, &len);
    return text ? put(req, status, type_json, text, len)
                : put_internal(req, "the body of the reply has no JSON text");
}

/* Why that cannot be a reply; NULL: it can. */
static const char *wrong_bytes(int status, const char *type, const void *data, size_t len)
{
    if (!valid_status(status))
        return not_a_status;
    if (type && !is_value(type))
        return "the type of the reply has characters that a header cannot have";
    if (len > PTRDIFF_MAX - 1)
        return "the length of the reply is below 0";
    return data || len == 0 ? NULL : "there are no bytes to reply with";
}

int reply_bytes(struct ein_req *req, int status, const char *type, const void *data, size_t len)
{
    const char *wrong = wrong_bytes(status, type, data, len);
    char *copy = wrong ? NULL : malloc(len + 1);
    const char *own_type = copy && type ? arena_text(&req->arena, type, strlen(type)) : NULL;

    if (!copy || (type && !own_type)) {
        free(copy);
        return put_internal(req, wrong ? wrong : error_text(EIN_E_NO_MEMORY));
    }
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return put(req, status, own_type, copy, len);
}

int reply_redirect(struct ein_req *req, int status, const char *location)
{
    if (status < 300 || status > 399 || reply_set_header(req, "Location", location) < 0)
        return put_internal(req,
                            "that is no redirection: the status is not 3xx, or the location has "
                            "characters that a header cannot have");
    return put(req, status, NULL, NULL, 0);
}

int reply_fail_json(struct ein_req *req, int status, json_t *take_detail)
{
    EIN_JSON json_t *detail = take_detail ? take_detail : json_null();

    if (status < 400 || status > 599)
        return put_internal(req, "the status of a failure is not 400 to 599");
    json_t *body = error_shape(req, &status, detail);

    return reply_json(req, status, body ? body : json_pack("{s:O}", "detail", detail));
}

static int fail(struct ein_req *req, int status, const char *fmt, va_list args)
{
    char text[REPLY_DETAIL_MAX];

    str_vformat(text, sizeof(text), fmt, args);
    return reply_fail_json(req, status, json_string(text));
}

int reply_fail(struct ein_req *req, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int r = fail(req, status, fmt, args);
    va_end(args);
    return r;
}

bool reply_refuse(struct ein_req *req, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fail(req, status, fmt, args);
    va_end(args);
    return false;
}

int reply_fail_error(struct ein_req *req, const struct ein_error *err)
{
    int code = err ? err->code : EIN_E_INTERNAL;

    return reply_fail(req, error_status(code), "%s",
                      err && err->text[0] ? err->text : error_text(code));
}

/* ---- headers ---- */

static bool is_token(const char *text)
{
    return *text && !text[str_token(text)];
}

/* Mostly their first letters differ already. */
static bool same_name(const char *a, const char *b)
{
    return (*a | 0x20) == (*b | 0x20) && strcasecmp(a, b) == 0;
}

/* The server writes these itself. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = { "Content-Length", "Transfer-Encoding", "Connection",
                                         "Date",           "Set-Cookie",        NULL };

    for (const char *const *it = names; *it; it++)
        if (same_name(*it, name))
            return true;
    return false;
}

static struct reply_header *find_header(const struct ein_req *req, const char *name)
{
    struct reply_header *header = req->reply.headers;

    while (header && !same_name(header->name, name))
        header = header->next;
    return header;
}

const char *reply_header(const struct ein_req *req, const char *name)
{
    const struct reply_header *header = name ? find_header(req, name) : NULL;

    return header ? header->value : NULL;
}

static void remove_header(struct ein_req *req, const char *name)
{
    struct reply_header **at = &req->reply.headers;

    while (*at && !same_name((*at)->name, name))
        at = &(*at)->next;
    if (!*at)
        return;
    *at = (*at)->next;
    req->reply.count--;
}

void reply_add_header(struct ein_req *req, const char *name, const char *value)
{
    struct reply_header *header = arena_alloc(&req->arena, sizeof(*header));

    if (!header)
        return;
    *header = (struct reply_header){ .next = req->reply.headers, .name = name, .value = value };
    req->reply.headers = header;
    req->reply.count++;
}

int reply_set_header(struct ein_req *req, const char *name, const char *value)
{
    struct reply_header *header;

    if (!name || !value || !is_token(name) || !is_value(value) || is_reserved(name) ||
        req->reply.sent)
        return EIN_E_INVALID;
    header = find_header(req, name);
    value = header && same_name(name, "Vary")
                ? arena_printf(&req->arena, "%s, %s", header->value, value)
                : arena_text(&req->arena, value, strlen(value));
    if (!value)
        return EIN_E_NO_MEMORY;
    if (header) {
        header->value = value;
        return 0;
    }
    if (req->reply.count == REPLY_HEADERS_MAX)
        return EIN_E_TOO_LARGE;
    name = arena_text(&req->arena, name, strlen(name));
    if (!name)
        return EIN_E_NO_MEMORY;
    reply_add_header(req, name, value);
    return 0;
}

static bool is_cookie_value(const char *text)
{
    for (; *text; text++)
        if (*text <= 0x20 || *text >= 0x7f || strchr("\",;\\", *text))
            return false;
    return true;
}

int reply_set_cookie(struct ein_req *req, const char *name, const char *value, int64_t max_age_s,
                     uint32_t flags)
{
    struct reply_cookie *cookie = req->reply.cookies;

    if (!name || !value || !is_token(name) || !is_cookie_value(value) || max_age_s < -1 ||
        req->reply.sent)
        return EIN_E_INVALID;
    while (cookie && !str_eq(cookie->name, name))
        cookie = cookie->next;
    if (!cookie) {
        if (req->reply.count == REPLY_HEADERS_MAX)
            return EIN_E_TOO_LARGE;
        cookie = arena_alloc(&req->arena, sizeof(*cookie));
        if (!cookie)
            return EIN_E_NO_MEMORY;
        cookie->name = arena_text(&req->arena, name, strlen(name));
        if (!cookie->name)
            return EIN_E_NO_MEMORY;
        cookie->next = req->reply.cookies;
        req->reply.cookies = cookie;
        req->reply.count++;
    }
    cookie->value = arena_text(&req->arena, value, strlen(value));
    cookie->max_age_s = max_age_s;
    cookie->flags = flags | (req->is_https ? EIN_COOKIE_SECURE : 0);
    return cookie->value ? 0 : EIN_E_NO_MEMORY;
}

/* ---- the end ---- */

void reply_settle(struct ein_req *req, int result)
{
    if (req->reply.sent)
        return;
    if (result < 0) {
        (void)reply_fail(req, error_status(result), "%s", error_text(result));
        if (req->reply.status >= 500)
            log_failure(req, arena_printf(&req->arena, "the handler failed with %d: %s", result,
                                          error_text(result)));
    } else if (req->reply.status == 0) {
        (void)reply_fail(req, 500, "%s", error_text(EIN_E_INTERNAL));
        log_failure(req, "the handler returned without a reply");
    }
}

/* Weak comparison (RFC 9110, 13.1.2) of one tag with a list. */
static bool etag_matches(const char *list, const char *tag)
{
    size_t len;

    if (strncmp(tag, "W/", 2) == 0)
        tag += 2;
    len = strlen(tag);
    while (*list) {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, tag, len) == 0 && strchr(" \t,", list[len]))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

static bool is_unchanged(const struct ein_req *req)
{
    const char *list = req->known[HEADER_IF_NONE_MATCH], *tag;

    if (!list || req->reply.status != 200 ||
        !(str_eq(req->head.method, "GET") || str_eq(req->head.method, "HEAD")))
        return false;
    tag = reply_header(req, "ETag");
    return tag && etag_matches(list, tag);
}

static bool is_json(const struct ein_req *req)
{
    return str_eq(req->reply.type, type_json) && !reply_header(req, "Content-Type");
}

/* In tests, a reply that is not what its route promises is an error. */
static void check_schema(struct ein_req *req)
{
    EIN_JSON json_t *body = NULL;
    EIN_JSON json_t *value = NULL;
    EIN_JSON json_t *faults = NULL;
    EIN_FREE char *text = NULL;

    if (!req->route || !req->route->reply || req->reply.status > 299 || !req->reply.body ||
        !is_json(req))
        return;
    body = json_loadb(req->reply.body, req->reply.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (body && schema_check(req->route->reply, SCHEMA_REPLY, "reply", body, &value, &faults) >= 0)
        return;
    text = faults ? json_dumps(faults, JSON_COMPACT) : NULL;
    request_log(req, EIN_ERROR, "the reply does not match its schema: %s: %s",
                req->route->spec.operation_id, text ? text : "not JSON");
    (void)reply_fail(req, 500, "The reply does not match its schema: %s: %s",
                     req->route->spec.operation_id, text ? text : "not JSON");
}

/* A provider that refused has said why, which is of no interest where nobody had to be.  Whoever is
 * known here was refused elsewhere, and need not log in again. */
static void finish_challenge(struct ein_req *req)
{
    static const char name[] = "WWW-Authenticate";

    if (req->reply.status < 400)
        remove_header(req, name);
    else if (req->reply.status == 401 && !reply_header(req, name))
        reply_add_header(req, name,
                         req->identity ? "Bearer realm=\"einion\", reason=\"upstream_credentials\""
                                       : "Bearer realm=\"einion\", reason=\"missing_credentials\"");
}

/* Whatever is not available is asked for again, unless its handler knows when. */
static void finish_retry(struct ein_req *req)
{
    static const char name[] = "Retry-After";

    if (req->reply.status == 503 && !reply_header(req, name))
        reply_add_header(req, name, "5");
}

void reply_finish(struct ein_req *req)
{
    if (req->settings->check_replies)
        check_schema(req);
    finish_challenge(req);
    finish_retry(req);
    if (is_unchanged(req))
        req->reply.status = 304;
    if (req->reply.status == 204 || req->reply.status == 304) {
        free(req->reply.body);
        req->reply.body = NULL;
        req->reply.len = 0;
        req->reply.type = NULL;
    }
    cors_expose(req);
}
