/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "buf.h"
#include "cancel.h"
#include "cleanup.h"
#include "client.h"
#include "error.h"
#include "ip.h"
#include "json_text.h"
#include "member.h"
#include "percent.h"
#include "print.h"
#include "servers.h"
#include "str.h"
#include "typed.h"
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 256, HEADERS_MAX = 8, STREAM_MAX_BYTES_LOG2 = 62 };

/* ---- which server ---- */

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static bool is_here(const char *url)
{
    const char *at = strstr(url, "://") + 3, *end = *at == '[' ? strchr(at, ']') : NULL;
    EIN_FREE char *host =
        end ? strndup(at + 1, (size_t)(end - at - 1)) : strndup(at, strcspn(at, ":/"));

    return host && ip_is_loopback_name(host);
}

bool session_is_open_to_all(const char *url)
{
    return str_starts(url, "http://") && !is_here(url);
}

/* As curl has it: capitals do for all but HTTP_PROXY, which a CGI's client may set.  No proxy can
 * reach what is here. */
static const char *proxy_for(const char *url)
{
    if (is_here(url))
        return NULL;

    const char *proxy = str_starts(url, "https:") ? setting("https_proxy") : setting("http_proxy");

    if (!proxy && str_starts(url, "https:"))
        proxy = setting("HTTPS_PROXY");
    if (!proxy)
        proxy = setting("all_proxy");
    return proxy ? proxy : setting("ALL_PROXY");
}

/* "WHERE: what" is said by the client, which knows its caller's words for WHERE no better. */
static const char *after_colon(const char *text)
{
    const char *colon = strstr(text, ": ");

    return colon ? colon + 2 : text;
}

static int make_client(struct session *session)
{
    const char *proxy = proxy_for(session->url), *no_proxy = setting("no_proxy");
    EIN_JSON json_t *settings = json_pack(
        "{s:[], s:[], s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s*, s:s}", "allow",
        "ports", "connect_ms", 10000, "first_byte_ms", 600000, "idle_ms", 60000, "total_ms",
        86400000, "max_bytes", SESSION_REPLY_MAX, "connections", 4, "idle_connections", 2,
        "idle_connection_ms", 60000, "linger_ms", 20, "finish_ms", 1000, "proxy",
        proxy ? proxy : "", "no_proxy", no_proxy ? no_proxy : setting("NO_PROXY"), "ca_file",
        session->ca ? session->ca : "");
    struct ein_error err;

    if (!settings)
        return print_failure(REMOTE_USAGE, "the name of the proxy or of the CA's file is no text");
    if (client_new(settings, NULL, 0, NULL, &session->client, &err) < 0)
        return print_failure(REMOTE_USAGE, "--cacert, EINION_CA: %s", after_colon(err.text));
    session->is_proxied = proxy;
    return REMOTE_OK;
}

static bool key_is_valid(const char *key)
{
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return *key != '\0';
}

static int check_url(const char *url)
{
    const char *host = str_starts(url, "https://")  ? url + 8
                       : str_starts(url, "http://") ? url + 7
                                                    : NULL;

    if (!host || !*host || *host == '/')
        return print_failure(REMOTE_USAGE,
                             "'%s' is not the URL of a server, such as "
                             "https://agents.example.org",
                             url);
    if (strcspn(host, "@?# ") != strlen(host))
        return print_failure(REMOTE_USAGE, "the URL of a server holds no user, query or fragment");
    return REMOTE_OK;
}

int session_open_url(const struct options *options, const char *url, const char *key,
                     struct session *ret_session)
{
    struct session session = { .options = options };
    const char *ca = options->ca ? options->ca : setting("EINION_CA");
    int status = check_url(url);

    if (status == REMOTE_OK && key && !key_is_valid(key))
        status = print_failure(REMOTE_USAGE, "an API key is letters, digits and signs, no space");
    if (status != REMOTE_OK)
        return status;
    session.url = strdup(url);
    session.key = key ? strdup(key) : NULL;
    session.ca = ca ? strdup(ca) : NULL;
    if (!session.url || (key && !session.key) || (ca && !session.ca))
        status = print_failure(REMOTE_FAILED, "no memory");
    for (size_t len = status == REMOTE_OK ? strlen(session.url) : 0;
         len && session.url[len - 1] == '/'; len--)
        session.url[len - 1] = '\0';
    if (status == REMOTE_OK)
        status = make_client(&session);
    if (status == REMOTE_OK && key && !options->plain_http && session_is_open_to_all(url))
        (void)print_failure(
            0, "the API key goes to %s over http, and can be read on the way: use https",
            session.url);
    if (status == REMOTE_OK)
        *ret_session = session;
    else
        session_close(&session);
    return status;
}

/* A stored login. */
static int open_known(const struct options *options, const json_t *server,
                      struct session *ret_session)
{
    struct options known = *options;
    const char *key = setting("EINION_API_KEY");
    int status;

    if (!known.ca && !setting("EINION_CA"))
        known.ca = text_of(server, "ca");
    known.plain_http = json_is_true(json_object_get(server, "plainHttp"));
    if (!key)
        key = text_of(server, "key");
    status = session_open_url(&known, text_of(server, "url"), key, ret_session);
    ret_session->options = options;
    return status;
}

int session_open(const struct options *options, struct session *ret_session)
{
    const char *url = options->server ? NULL : setting("EINION_URL"), *name;
    EIN_JSON json_t *servers = NULL;
    const json_t *server;
    struct ein_error err;

    *ret_session = (struct session){ 0 };
    if (options->server && strstr(options->server, "://"))
        url = options->server;
    if (url)
        return session_open_url(options, url, setting("EINION_API_KEY"), ret_session);
    if (servers_read(&servers, &err) < 0)
        return print_failure(REMOTE_USAGE, "%s", err.text);
    server = servers_find(servers, options->server, &name);
    if (json_is_string(json_object_get(server, "url")))
        return open_known(options, server, ret_session);
    if (name)
        return print_failure(REMOTE_USAGE, "you are not logged in to a server '%s'", name);
    return print_failure(REMOTE_USAGE, "no server is known: begin with 'einion login URL'");
}

void session_close(struct session *session)
{
    client_free(session->client);
    if (session->key)
        explicit_bzero(session->key, strlen(session->key));
    free(session->key);
    free(session->url);
    free(session->ca);
}

/* ---- signals ---- */

static void *watch_signals(void *data)
{
    sigset_t set;
    int signal_number;

    typed_ending_signals(&set);
    if (sigwait(&set, &signal_number) == 0)
        cancel_fire(data);
    if (sigwait(&set, &signal_number) == 0)
        _exit(REMOTE_INTERRUPTED);
    return NULL;
}

/* The thread and its token live as long as the process. */
int session_catch_signals(struct session *session)
{
    struct ein_cancel *cancel = cancel_new(NULL);
    pthread_t thread;
    sigset_t set;

    if (!cancel)
        return print_failure(REMOTE_FAILED, "no memory");
    typed_ending_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, watch_signals, cancel) != 0) {
        cancel_free(cancel);
        return print_failure(REMOTE_FAILED, "cannot start a thread");
    }
    (void)pthread_detach(thread);
    session->cancel = cancel;
    return REMOTE_OK;
}

bool session_is_interrupted(const struct session *session)
{
    return session->cancel && cancel_fired(session->cancel);
}

/* ---- one call ---- */

#define EVENTS "text/event-stream"
#define LINES  "application/x-ndjson"

struct calling {
    struct call *call;
    bool is_stream;
    struct sse sse;
    struct text_lines lines;
    struct buf text; /* of an answer in one piece */
    bool has_ended;  /* on_event wants no more */
};

static int on_head(void *data, int status, const json_t *headers)
{
    struct calling *calling = data;
    const char *type = text_of(headers, "content-type");
    const char *run = text_of(headers, "x-einion-run-id");
    const char *challenge = text_of(headers, "www-authenticate");

    calling->call->status = status;
    calling->call->vendor_refuses = challenge && strstr(challenge, "upstream_credentials");
    if (run)
        (void)snprintf(calling->call->run_id, sizeof(calling->call->run_id), "%s", run);
    calling->is_stream = status == 200 && type &&
                         ((calling->call->on_event && str_starts(type, EVENTS)) ||
                          (calling->call->on_line && str_starts(type, LINES)));
    return 0;
}

static int on_data(void *data, const void *piece, size_t len)
{
    struct calling *calling = data;
    int r;

    if (!calling->is_stream)
        return buf_add(&calling->text, piece, len);
    if (calling->call->on_line)
        return text_lines_feed(&calling->lines, piece, len);
    r = sse_feed(&calling->sse, piece, len);
    calling->has_ended = r > 0;
    return r;
}

/* What a server that is no einion's answers is told by its status alone. */
static void take_reply(struct calling *calling)
{
    struct json_fault fault;

    if (!calling->is_stream && calling->text.len)
        calling->call->reply =
            json_text_parse(calling->text.data, calling->text.len, DEPTH_MAX, &fault);
}

struct head {
    char *lines[HEADERS_MAX];
    size_t count;
    bool failed;
};

static void add_header(struct head *head, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add_header(struct head *head, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    head->lines[head->count] = str_vprint(fmt, args);
    va_end(args);
    if (head->lines[head->count])
        head->count++;
    else
        head->failed = true;
}

static void add_headers(struct head *head, const struct session *session, const struct call *call)
{
    if (session->key)
        add_header(head, "Authorization: Bearer %s", session->key);
    if (call->body)
        add_header(head, "Content-Type: application/json");
    if (call->if_match)
        add_header(head, "If-Match: \"%s\"", call->if_match);
    if (call->last_event)
        add_header(head, "Last-Event-ID: %" PRId64, call->last_event);
    add_header(head, "Accept: %s",
               call->on_event  ? EVENTS
               : call->on_line ? LINES ", application/json"
                               : "application/json");
}

static void head_done(struct head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        explicit_bzero(head->lines[i], strlen(head->lines[i]));
        free(head->lines[i]);
    }
}

static int fetch(const struct session *session, struct calling *calling, const char *url,
                 const char *body)
{
    struct call *call = calling->call;
    struct head head = { 0 };
    int r = EIN_E_NO_MEMORY;

    add_headers(&head, session, call);
    if (!head.failed) {
        const struct ein_fetch what = {
            .struct_size = sizeof(what),
            .egress = EIN_EGRESS_OPERATOR,
            .method = call->method,
            .url = url,
            .headers = (const char *const *)head.lines,
            .body = body,
            .body_len = body ? strlen(body) : 0,
            .max_bytes = call->on_event || call->on_line ? UINT64_C(1) << STREAM_MAX_BYTES_LOG2 : 0,
            .on_head = on_head,
            .on_data = on_data,
            .data = calling,
            .cancel = call->even_if_interrupted ? NULL : session->cancel,
        };
        struct ein_fetched fetched = { .struct_size = sizeof(fetched) };

        r = client_fetch(session->client, &what, &fetched, &call->err);
        json_decref(fetched.headers);
        free(fetched.body);
    }
    head_done(&head);
    return r;
}

/* A segment "." or ".." stands for another path, encoded too, and libcurl and proxies go there:
 * what was meant for something of that name would be done to what is above it. */
static bool has_dots(const char *path)
{
    const char *end = path + strcspn(path, "?");

    for (size_t len; path < end; path += len + 1) {
        len = strcspn(path, "/?");
        if ((len == 1 && path[0] == '.') || (len == 2 && strncmp(path, "..", 2) == 0))
            return true;
    }
    return false;
}

int session_send(const struct session *session, struct call *call)
{
    EIN_FREE char *url = call->path ? str_print("%s%s", session->url, call->path) : NULL;
    EIN_FREE char *body = call->body ? json_text_dump(call->body, NULL) : NULL;
    struct calling calling = { .call = call };
    int r;

    call->status = 0;
    call->reply = NULL;
    call->run_id[0] = '\0';
    if (call->path && has_dots(call->path)) {
        (void)error_set(&call->err, EIN_E_INVALID, "nothing on a server is called '.' or '..'");
        return REMOTE_USAGE;
    }
    if (!url || (call->body && !body)) {
        (void)error_no_memory(&call->err);
        return REMOTE_FAILED;
    }
    sse_init(&calling.sse, SESSION_EVENT_MAX, call->on_event, call->data);
    text_lines_init(&calling.lines, TEXT_LINES_LF, SESSION_REPLY_MAX, call->on_line, call->data);
    buf_init(&calling.text, SESSION_REPLY_MAX);
    r = fetch(session, &calling, url, body);
    if (r == 0 || calling.has_ended)
        take_reply(&calling);
    else
        call->status = 0;
    sse_done(&calling.sse);
    text_lines_done(&calling.lines);
    buf_done(&calling.text);
    return call->status ? REMOTE_OK : REMOTE_NOBODY;
}

/* ---- what went wrong ---- */

/* {"detail": sentence}, {"detail": [{"loc", "msg"}]}, {"error": {"message"}} as a sentence;
 * free().  NULL: it is none of them. */
static char *sentence_of(const json_t *reply)
{
    const json_t *detail = json_object_get(reply, "detail");
    const json_t *first = json_array_get(detail, 0);
    const char *text = json_string_value(detail);
    const char *message = text_of(first, "msg");
    EIN_FREE char *place = first ? json_text_dump(json_object_get(first, "loc"), NULL) : NULL;

    if (!text)
        text = json_string_value(member_at(reply, "error.message"));
    if (text)
        return strdup(text);
    return message ? str_print("%s, at %s", message, place ? place : "?") : NULL;
}

int session_fail(const struct session *session, const struct call *call)
{
    EIN_FREE char *sentence = sentence_of(call->reply);

    if (session_is_interrupted(session) && call->status == 0)
        return print_failure(REMOTE_INTERRUPTED, "interrupted");
    if (call->status == 0 && call->err.code == EIN_E_INVALID)
        return print_failure(REMOTE_USAGE, "%s", after_colon(call->err.text));
    if (call->status == 0 && call->err.code == EIN_E_NO_MEMORY)
        return print_failure(REMOTE_FAILED, "no memory");
    if (call->status == 0)
        return print_failure(REMOTE_NOBODY, "%s cannot be reached%s: %s", session->url,
                             session->is_proxied ? " (a proxy is set)" : "",
                             after_colon(call->err.text));
    if (call->status == 401 && !call->vendor_refuses)
        return print_failure(REMOTE_NOBODY, "%s does not know you (%s): 'einion login %s'",
                             session->url, sentence ? sentence : "401", session->url);
    if (call->status == 404 && call->absent)
        return print_failure(REMOTE_FAILED, "%s", call->absent);
    if (call->status >= 300 && call->status < 400)
        return print_failure(REMOTE_FAILED, "%s redirects elsewhere: is that the right URL?",
                             session->url);
    if (sentence)
        return print_failure(REMOTE_FAILED, "%s", sentence);
    return print_failure(REMOTE_FAILED, "%s answers %d, but not as einion does", session->url,
                         call->status);
}

int session_call(const struct session *session, struct call *call)
{
    int status;

    (void)session_send(session, call);
    if (call->status >= 200 && call->status < 300 &&
        (call->reply || call->on_event || call->status == 204))
        return REMOTE_OK;
    status = session_fail(session, call);
    json_decref(call->reply);
    call->reply = NULL;
    return status;
}

int session_get(const struct session *session, json_t **ret_reply, const char *path)
{
    struct call call = { .method = "GET", .path = path };
    int status = session_call(session, &call);

    *ret_reply = call.reply;
    return status;
}

char *session_path(const char *set, const char *id, const char *rest)
{
    EIN_FREE char *segment = percent_encode(id, "");

    return segment ? str_print("/%s/%s%s", set, segment, rest) : NULL;
}

void session_add_query(struct buf *path, const char *name, const char *value)
{
    EIN_FREE char *encoded = value ? percent_encode(value, "") : NULL;

    if (encoded)
        (void)buf_printf(path, "%c%s=%s", strchr(path->data, '?') ? '&' : '?', name, encoded);
}
