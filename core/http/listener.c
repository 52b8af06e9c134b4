/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "gate.h"
#include "http_inside.h"
#include "ip.h"
#include "listen_at.h"
#include "log.h"
#include "metrics.h"
#include "pipeline.h"
#include "request.h"
#include "router.h"
#include "scratch.h"
#include "strict.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <ulfius.h>

enum {
    BACKLOG = 1024,
    DRAIN_STEP_MS = 5,
    DESCRIPTORS_BESIDE = 256, /* for the store and agents */
    DESCRIPTORS_EACH = 4,     /* of a connection whose request fetches: libcurl needs three */
    /* Of a connection's memory, beside the request's headers: what is made of them, and the head
     * of the reply.  All of it is cleared for every request. */
    HEAD_EXTRA = 8 * 1024
};

struct listener {
    struct _u_instance ulfius;
    MHD_AccessHandlerCallback receive; /* ulfius's */
    struct http *http;
    int fd;
    uint16_t port;
    size_t body_max; /* atomic: what ulfius keeps of a body, less one byte; only grows */
    const struct settings *seen; /* when body_max was found; the thread that accepts */
    uint64_t seen_routes;        /* the same */
    bool quiesced;               /* atomic */
    uint32_t answering;          /* atomic: requests that came in, and whose answer has not left */
    struct gate closing;         /* the thread that waits for those of the connections is inside */
};

struct conn {
    struct watch_conn watch;
    struct listener *listener;
    char *target;       /* of this request, as sent */
    size_t target_size; /* of its storage, likewise used again */
    struct strict_line line;
    const char *fault; /* of this request's head; NULL: none that was looked for */
    bool received;     /* this request's head */
    bool too_long;     /* its body would be, and is not waited for */
    bool chunked;      /* its body is, and who knows where that ends */
    bool used;         /* a request has been answered */
    bool answering;    /* this one is one of the listener's */
    size_t body_max;   /* when this request began */
    char addr[IP_TEXT_SIZE];
};

/* ulfius does not tell its endpoint which connection it is for; the callback before it is told,
 * on the same thread, as each connection has its own. */
static _Thread_local struct conn *current;

/* While ulfius starts libmicrohttpd. */
static _Thread_local struct listener *starting;

static const struct limits *limits_of(const struct listener *listener)
{
    return &http_settings(listener->http)->limits;
}

/* ---- the longest body ---- */

static int larger_body(const struct route *route, void *data)
{
    size_t *max = data;

    if (route->spec.body_max > *max)
        *max = route->spec.body_max;
    return 0;
}

/* The limits and the routes may have changed since.  It never shrinks: a body that ulfius cuts
 * shorter than its request was told would pass for a whole one. */
static void update_body_max(struct listener *listener)
{
    const struct settings *settings = http_settings(listener->http);
    struct router *router = listener->http->router;
    uint64_t routes = router_version(router);
    size_t max = listener->body_max;

    if (listener->seen == settings && listener->seen_routes == routes)
        return;
    if (settings->limits.body_bytes > max)
        max = settings->limits.body_bytes;
    (void)router_each(router, larger_body, &max);
    __atomic_store_n(&listener->ulfius.max_post_body_size, max + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&listener->body_max, max, __ATOMIC_RELEASE);
    listener->seen = settings;
    listener->seen_routes = routes;
}

/* ---- connections ---- */

static struct conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void conn_open(struct listener *listener, struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info;
    struct conn *conn = calloc(1, sizeof(*conn));
    struct ip ip;
    uint16_t port;

    *context = conn;
    if (!conn)
        return;
    update_body_max(listener);
    conn->listener = listener;
    /* What it tells is there until it is asked again. */
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    conn->watch.fd = info->connect_fd;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr && ip_of(info->client_addr, &ip, &port))
        ip_text(&ip, conn->addr);
    watch_conn_until(&conn->watch, clock_mono_ms() + limits_of(listener)->read_ms);
    watch_conn_add(listener->http->watch, &conn->watch);
    metric_add(listener->http->stats.connections, 1);
}

static void conn_close(struct listener *listener, void **context)
{
    struct conn *conn = *context;

    if (!conn)
        return;
    metric_add(listener->http->stats.connections, -1);
    watch_conn_remove(listener->http->watch, &conn->watch);
    free(conn->target);
    free(conn);
    *context = NULL;
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(data, connection, context);
    else
        conn_close(data, context);
}

/* ---- the phases of a request ---- */

/* libmicrohttpd decodes the target in place. */
static bool keep_target(struct conn *conn, const char *target)
{
    size_t size = strlen(target) + 1;

    if (size > conn->target_size) {
        char *larger = realloc(conn->target, size);
        if (!larger)
            return false;
        conn->target = larger;
        conn->target_size = size;
    }
    memcpy(conn->target, target, size);
    return true;
}

/* The request line is there.  ulfius would take the path to pieces to match it with its one
 * endpoint, and again for parameters: it is told of the shortest there is. */
static void *on_uri(void *data, const char *uri, struct MHD_Connection *connection)
{
    struct listener *listener = data;

    current = conn_of(connection);
    if (!current || !keep_target(current, uri))
        return NULL;
    current->line = (struct strict_line){ .target = uri, .target_len = strlen(uri) };
    current->received = false;
    scratch_begin();
    current->body_max = __atomic_load_n(&listener->body_max, __ATOMIC_ACQUIRE);
    /* The first request's time runs since the connection was opened. */
    if (current->used)
        watch_conn_until(&current->watch, clock_mono_ms() + limits_of(listener)->read_ms);
    return ulfius_uri_logger(NULL, "/");
}

/* Of a client that asks before it sends its body. */
static bool asks_in_vain(const struct conn *conn, struct MHD_Connection *connection,
                         const char *method)
{
    const char *expect = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Expect");
    const char *length =
        expect ? MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length") : NULL;
    const struct head head = { .method = method, .target = conn->target, .fd = -1 };

    return length && strcasecmp(expect, "100-continue") == 0 &&
           strtoull(length, NULL, 10) > pipeline_body_max(conn->listener->http, &head);
}

static void look_at_head(struct conn *conn, struct MHD_Connection *connection, const char *method)
{
    bool due = strict_is_due();

    conn->received = true;
    conn->line.method = method;
    conn->fault = due ? strict_head_fault(connection, &conn->line) : NULL;
    conn->chunked =
        due && MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
    conn->too_long = asks_in_vain(conn, connection, method);
}

/* The head is there, or a piece of the body, or its end.  A head that is refused is answered at
 * once: ulfius, which has taken it down, is told of the end. */
static enum MHD_Result on_access(void *ulfius, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *piece,
                                 size_t *len, void **con_cls)
{
    struct conn *conn = current;
    MHD_AccessHandlerCallback receive = conn ? conn->listener->receive : NULL;
    bool first = conn && !conn->received;
    enum MHD_Result r;

    if (!conn || !*con_cls)
        return MHD_NO; /* there was no memory for it */
    if (first)
        look_at_head(conn, connection, method);
    r = receive(ulfius, connection, url, method, version, piece, len, con_cls);
    if (r == MHD_YES && first && (conn->fault || conn->too_long))
        r = receive(ulfius, connection, url, method, version, piece, len, con_cls);
    return r;
}

/* In place of libmicrohttpd's own, for ulfius tells nobody else which function is to be called.  A
 * plugin may have a use for libmicrohttpd, too. */
__attribute__((visibility("default"))) struct MHD_Daemon *
MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept_policy,
                 void *accept_data, MHD_AccessHandlerCallback receive, void *data, ...)
{
    struct listener *listener = starting;
    struct MHD_Daemon *daemon;
    va_list args;

    if (listener)
        listener->receive = receive;
    va_start(args, data);
    daemon = MHD_start_daemon_va(flags, port, accept_policy, accept_data,
                                 listener ? on_access : receive, data, args);
    va_end(args);
    return daemon;
}

/* The reply has been sent, or will never be. */
static void on_completed(void *data, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct listener *listener = data;
    struct conn *conn = conn_of(connection);

    mhd_request_completed(NULL, connection, con_cls, why);
    if (!conn)
        return;
    conn->used = true;
    if (conn->answering)
        (void)__atomic_sub_fetch(&listener->answering, 1, __ATOMIC_RELEASE);
    conn->answering = false;
    watch_conn_until(&conn->watch, clock_mono_ms() + limits_of(listener)->idle_ms);
}

static int add_cookie(struct _u_response *response, const struct reply_cookie *cookie)
{
    static const char past[] = "Thu, 01 Jan 1970 00:00:00 GMT";
    int64_t age = cookie->max_age_s;

    return ulfius_add_same_site_cookie_to_response(
        response, cookie->name, cookie->value, age == 0 ? past : NULL,
        age < 0 ? 0 : (unsigned)(age < INT32_MAX ? age : INT32_MAX), NULL, "/",
        cookie->flags & EIN_COOKIE_SECURE ? 1 : 0, cookie->flags & EIN_COOKIE_HTTP_ONLY ? 1 : 0,
        cookie->flags & EIN_COOKIE_STRICT ? U_COOKIE_SAME_SITE_STRICT : U_COOKIE_SAME_SITE_LAX);
}

static void fill_head(const struct conn *conn, const struct ein_req *req,
                      struct _u_response *response)
{
    const struct reply *reply = &req->reply;
    struct _u_map *map = response->map_header;

    response->status = reply->status;
    for (const struct reply_header *it = reply->headers; it; it = it->next)
        (void)u_map_put(map, it->name, it->value);
    if (reply->type)
        (void)u_map_put(map, "Content-Type", reply->type);
    if (reply->close || conn->chunked ||
        __atomic_load_n(&conn->listener->quiesced, __ATOMIC_RELAXED))
        (void)u_map_put(map, "Connection", "close");
    for (const struct reply_cookie *it = reply->cookies; it; it = it->next)
        (void)add_cookie(response, it);
}

static struct head head_of(const struct conn *conn, const struct _u_request *request)
{
    size_t len = request->binary_body_length;

    return (struct head){
        .method = request->http_verb,
        .target = conn->target,
        .version = request->http_protocol,
        .names = request->map_header->keys,
        .values = request->map_header->values,
        .count = (size_t)request->map_header->nb_values,
        .body = request->binary_body,
        .body_len = len,
        .body_cut = len > conn->body_max || conn->too_long,
        .fault = conn->fault,
        .client_addr = conn->addr,
        .fd = conn->watch.fd,
    };
}

/* Every request there is. */
static int on_request(const struct _u_request *request, struct _u_response *response, void *data)
{
    struct listener *listener = data;
    struct conn *conn = current;
    struct ein_req req;
    struct head head;

    if (!conn)
        return U_CALLBACK_ERROR;
    watch_conn_until(&conn->watch, 0);
    (void)__atomic_add_fetch(&listener->answering, 1, __ATOMIC_RELAXED);
    conn->answering = true;
    head = head_of(conn, request);
    request_init(&req, listener->http, &head);
    pipeline_run(&req);
    /* After a stream the connection is shut for writing, and libmicrohttpd, which would send its
     * own reply, closes it instead. */
    if (!req.reply.sent) {
        fill_head(conn, &req, response);
        response->binary_body = EIN_TAKE(req.reply.body);
        response->binary_body_length = req.reply.len;
        watch_conn_until(&conn->watch,
                         clock_mono_ms() + limits_reply_ms(limits_of(listener), req.reply.len));
    }
    request_done(&req);
    return U_CALLBACK_COMPLETE;
}

/* ---- starting and stopping ---- */

/* Accepted sockets inherit these: a client that takes nothing of its reply is dropped by the
 * kernel, and a dead one is found. */
static void set_socket_options(int fd, const struct limits *limits)
{
    int on = 1;
    unsigned idle_ms = limits->idle_ms;

    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &idle_ms, sizeof(idle_ms));
}

static int open_socket(struct listener *listener, const json_t *at, struct ein_error *err)
{
    int r = listen_at_bind(at, &listener->fd, err);

    if (r < 0)
        return r;
    set_socket_options(listener->fd, limits_of(listener));
    if (listen(listener->fd, BACKLOG) < 0)
        return listen_at_failed(at, err);
    listener->port = listen_at_port(listener->fd);
    return 0;
}

/* As many as there are descriptors for, so that those which are open can be answered: what the
 * system allows is raised if it may be. */
static unsigned connections_max(const struct listener *listener)
{
    unsigned wanted = limits_of(listener)->connections;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    if (limit.rlim_cur < DESCRIPTORS_EACH * (rlim_t)wanted + DESCRIPTORS_BESIDE) {
        struct rlimit more = { DESCRIPTORS_EACH * (rlim_t)wanted + DESCRIPTORS_BESIDE,
                               limit.rlim_max };

        if (more.rlim_cur > more.rlim_max)
            more.rlim_cur = more.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            limit = more;
    }
    rlim_t left = limit.rlim_cur > 2 * DESCRIPTORS_BESIDE ? limit.rlim_cur - DESCRIPTORS_BESIDE
                                                          : limit.rlim_cur / 2;

    if (left >= wanted)
        return wanted;
    log_write(listener->http->log, EIN_WARN, "server", NULL,
              "limits.connections is %u, but the system allows %llu open files: %u connections are "
              "served at once",
              wanted, (unsigned long long)limit.rlim_cur, (unsigned)left);
    return (unsigned)left;
}

static int start(struct listener *listener, struct ein_error *err)
{
    const struct limits *limits = limits_of(listener);
    struct MHD_OptionItem options[] = {
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, listener },
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, listener },
        { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, listener },
        { MHD_OPTION_LISTEN_SOCKET, listener->fd, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, connections_max(listener), NULL },
        { MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits->connections_per_ip, NULL },
        { MHD_OPTION_THREAD_STACK_SIZE, limits->stack_bytes, NULL },
        { MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)limits->header_bytes + HEAD_EXTRA, NULL },
        { MHD_OPTION_STRICT_FOR_CLIENT, !strict_is_due(), NULL }, /* says less than we do of why */
        { MHD_OPTION_END, 0, NULL },
    };

    int r;

    scratch_install();
    if (ulfius_init_instance(&listener->ulfius, 1, NULL, NULL) != U_OK)
        return error_no_memory(err);
    update_body_max(listener);
    listener->ulfius.check_utf8 = 0;
    listener->ulfius.allowed_post_processor = U_POST_PROCESS_NONE;
    r = ulfius_add_endpoint_by_val(&listener->ulfius, "*", NULL, "*", 0, on_request, listener);
    starting = listener;
    if (r == U_OK)
        r = ulfius_start_framework_with_mhd_options(&listener->ulfius,
                                                    MHD_USE_THREAD_PER_CONNECTION |
                                                        MHD_USE_INTERNAL_POLLING_THREAD |
                                                        MHD_USE_POLL | MHD_USE_ITC,
                                                    options);
    starting = NULL;
    if (r != U_OK) {
        ulfius_clean_instance(&listener->ulfius);
        return error_set(err, EIN_E_UNAVAILABLE, "cannot start serving on port %u", listener->port);
    }
    return 0;
}

int listener_start(struct http *http, const json_t *listen_at, struct listener **ret_listener,
                   struct ein_error *err)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    int r;

    if (!listener)
        return error_no_memory(err);
    listener->http = http;
    listener->fd = -1;
    r = open_socket(listener, listen_at, err);
    if (r >= 0)
        r = start(listener, err);
    if (r < 0) {
        (void)cleanup_close(&listener->fd);
        free(listener);
        return r;
    }
    *ret_listener = listener;
    return 0;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_quiesce(struct listener *listener)
{
    if (__atomic_exchange_n(&listener->quiesced, true, __ATOMIC_RELAXED))
        return;
    (void)MHD_quiesce_daemon(listener->ulfius.mhd_daemon);
    (void)close(listener->fd);
}

uint32_t listener_answering(const struct listener *listener)
{
    return __atomic_load_n(&listener->answering, __ATOMIC_ACQUIRE);
}

bool listener_drain(struct listener *listener, uint32_t timeout_ms)
{
    int64_t until = clock_mono_ms() + timeout_ms;

    while (listener_answering(listener) > 0) {
        if (clock_mono_ms() >= until)
            return false;
        (void)usleep(DRAIN_STEP_MS * 1000);
    }
    return true;
}

static void *close_connections(void *data)
{
    struct listener *listener = data;

    (void)ulfius_stop_framework(&listener->ulfius);
    gate_leave(&listener->closing);
    return NULL;
}

/* ulfius waits for the connections' threads without a limit: that is left to a thread. */
static bool close_within(struct listener *listener, uint32_t timeout_ms)
{
    pthread_t closer;

    gate_init(&listener->closing);
    gate_open(&listener->closing);
    (void)gate_enter(&listener->closing);
    gate_shut(&listener->closing);
    if (pthread_create(&closer, NULL, close_connections, listener) != 0) {
        (void)close_connections(listener);
        return true;
    }
    if (!gate_drain(&listener->closing, timeout_ms)) {
        (void)pthread_detach(closer);
        return false;
    }
    (void)pthread_join(closer, NULL);
    return true;
}

/* Who is cancelled may still say so: half of the time is for that, then connections are cut. */
bool listener_stop(struct listener *listener, uint32_t timeout_ms)
{
    if (!listener)
        return true;
    listener_quiesce(listener);
    watch_fire_all(listener->http->watch);
    (void)listener_drain(listener, timeout_ms / 2);
    if (!close_within(listener, timeout_ms - timeout_ms / 2))
        return false;
    ulfius_clean_instance(&listener->ulfius);
    free(listener);
    return true;
}
