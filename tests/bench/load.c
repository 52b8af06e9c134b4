/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that costs little: `clients` connections that each send the same request again and
 * again, until `count` replies have come or `seconds` have passed (0: no such limit).
 *
 * usage: bench_load PORT PATH CLIENTS COUNT SECONDS [HEADER...] < BODY
 *
 * Prints one JSON object: times in microseconds, from the request's first byte; "first" is that of
 * the first "data:" of a stream.  A reply is `lost` if it is not 200, breaks off, or is a stream
 * without its [DONE]. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, HEAD_MAX = 8192, TAIL = 32, BODY_MAX = 1 << 20 };

struct conn {
    int fd;
    bool head_done, chunked, close, done, bad;
    size_t head_len, body_left;
    int64_t sent_ns, first_ns, last_ns;
    size_t pieces;
    char head[HEAD_MAX], tail[TAIL + 1]; /* tail: the last bytes of the body */
};

struct world {
    int epoll, port;
    char *request;
    size_t request_len;
    long started, ended, count, lost;
    long long pieces;
    int64_t until_ns, longest_gap_ns;
    int64_t *whole, *first;
    size_t firsts, size;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- one connection ---- */

static void connect_it(struct world *world, struct conn *conn)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)world->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = conn };
    int on = 1;

    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&at, sizeof at) < 0)
        die("connect");
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(world->epoll, EPOLL_CTL_ADD, conn->fd, &event) < 0)
        die("epoll_ctl");
}

static bool is_over(const struct world *world)
{
    return (world->count && world->started >= world->count) ||
           (world->until_ns && now_ns() >= world->until_ns);
}

/* The connection is made before the clock starts: that is the direct call's way too. */
static void begin(struct world *world, struct conn *conn)
{
    if (is_over(world)) {
        if (conn->fd >= 0)
            (void)close(conn->fd);
        conn->fd = -1;
        return;
    }
    if (conn->fd < 0)
        connect_it(world, conn);
    conn->head_done = conn->chunked = conn->close = conn->done = conn->bad = false;
    conn->head_len = conn->body_left = conn->pieces = 0;
    conn->first_ns = 0;
    memset(conn->tail, 0, sizeof conn->tail);
    world->started++;
    conn->sent_ns = conn->last_ns = now_ns();
    if (send(conn->fd, world->request, world->request_len, MSG_NOSIGNAL) !=
        (ssize_t)world->request_len)
        die("send");
}

static void keep(struct world *world, const struct conn *conn, int64_t now)
{
    if ((size_t)world->ended >= world->size) {
        world->size = world->size ? world->size * 2 : 65536;
        world->whole = realloc(world->whole, world->size * sizeof(int64_t));
        world->first = realloc(world->first, world->size * sizeof(int64_t));
        if (!world->whole || !world->first)
            die("realloc");
    }
    world->whole[world->ended++] = now - conn->sent_ns;
    if (conn->first_ns)
        world->first[world->firsts++] = conn->first_ns - conn->sent_ns;
    world->pieces += (long long)conn->pieces;
}

static void end(struct world *world, struct conn *conn, bool whole)
{
    bool lost = !whole || conn->bad;

    if (lost && world->lost++ == 0)
        fprintf(stderr, "lost: %.300s\n...%s\n", conn->head, conn->tail);
    keep(world, conn, now_ns());
    if (conn->close || lost) {
        (void)close(conn->fd);
        conn->fd = -1;
    }
    begin(world, conn);
}

/* ---- the reply ---- */

static void take_tail(struct conn *conn, const char *text, size_t len)
{
    if (len >= TAIL) {
        memcpy(conn->tail, text + len - TAIL, TAIL);
    } else {
        memmove(conn->tail, conn->tail + len, TAIL - len);
        memcpy(conn->tail + TAIL - len, text, len);
    }
}

static bool ends_with(const struct conn *conn, const char *text)
{
    size_t len = strlen(text);

    return memcmp(conn->tail + TAIL - len, text, len) == 0;
}

static void take_pieces(struct world *world, struct conn *conn, const char *text, size_t len)
{
    const char *at = text, *stop = text + len;
    int64_t now = 0;

    while ((at = memmem(at, (size_t)(stop - at), "data:", 5))) {
        at += 5;
        conn->pieces++;
        now = now ? now : now_ns();
        if (!conn->first_ns)
            conn->first_ns = now;
        else if (now - conn->last_ns > world->longest_gap_ns)
            world->longest_gap_ns = now - conn->last_ns;
        conn->last_ns = now;
    }
}

static void take_body(struct world *world, struct conn *conn, const char *text, size_t len)
{
    if (!conn->chunked) {
        conn->body_left -= len < conn->body_left ? len : conn->body_left;
        conn->done = conn->body_left == 0;
        return;
    }
    take_pieces(world, conn, text, len);
    take_tail(conn, text, len);
    if (!ends_with(conn, "\r\n0\r\n\r\n"))
        return;
    conn->done = true;
    if (conn->pieces > 0 && !memmem(conn->tail, TAIL, "[DONE]", 6))
        conn->bad = true;
}

static void take_head(struct world *world, struct conn *conn, const char *text, size_t len)
{
    size_t before = conn->head_len, room = HEAD_MAX - 1 - before, count = len < room ? len : room;
    const char *stop, *length;
    size_t head_len;

    memcpy(conn->head + before, text, count);
    conn->head_len += count;
    conn->head[conn->head_len] = '\0';
    stop = strstr(conn->head, "\r\n\r\n");
    if (!stop)
        return;
    head_len = (size_t)(stop + 4 - conn->head);
    conn->head[head_len - 1] = '\0';
    conn->head_done = true;
    conn->bad = strncmp(conn->head, "HTTP/1.1 200", 12) != 0;
    conn->chunked = strcasestr(conn->head, "\r\ntransfer-encoding: chunked");
    conn->close = strcasestr(conn->head, "\r\nconnection: close");
    length = strcasestr(conn->head, "\r\ncontent-length:");
    conn->body_left = length ? strtoul(length + 17, NULL, 10) : 0;
    take_body(world, conn, text + (head_len - before), len - (head_len - before));
}

static void on_readable(struct world *world, struct conn *conn)
{
    char text[65536];
    ssize_t len;

    if (conn->fd < 0)
        return;
    len = recv(conn->fd, text, sizeof text, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        conn->close = true;
        end(world, conn, false);
        return;
    }
    if (conn->head_done)
        take_body(world, conn, text, (size_t)len);
    else
        take_head(world, conn, text, (size_t)len);
    if (conn->done)
        end(world, conn, true);
}

/* ---- all of it ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double part(const int64_t *sorted, size_t count, double share)
{
    size_t at = (size_t)((double)count * share);

    return count == 0 ? 0 : (double)sorted[at < count ? at : count - 1] / 1000;
}

static void print(struct world *world, int64_t took_ns)
{
    size_t ended = (size_t)world->ended;

    qsort(world->whole, ended, sizeof(int64_t), by_size);
    qsort(world->first, world->firsts, sizeof(int64_t), by_size);
    printf("{\"count\": %ld, \"lost\": %ld, \"seconds\": %.6f, \"rate\": %.1f, \"p50\": %.2f, "
           "\"p99\": %.2f, \"first_p50\": %.2f, \"first_p99\": %.2f, \"pieces\": %lld, "
           "\"longest_gap\": %.1f}\n",
           world->ended, world->lost, (double)took_ns / 1e9,
           (double)world->ended * 1e9 / (double)took_ns, part(world->whole, ended, 0.5),
           part(world->whole, ended, 0.99), part(world->first, world->firsts, 0.5),
           part(world->first, world->firsts, 0.99), world->pieces,
           (double)world->longest_gap_ns / 1000);
}

static void make_request(struct world *world, char **argv)
{
    char *body = malloc(BODY_MAX);
    FILE *out = open_memstream(&world->request, &world->request_len);
    size_t len = fread(body, 1, BODY_MAX, stdin);

    fprintf(out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n",
            argv[2], world->port);
    for (char **header = argv + 6; *header; header++)
        fprintf(out, "%s\r\n", *header);
    fprintf(out, "Content-Length: %zu\r\n\r\n", len);
    (void)fwrite(body, 1, len, out);
    (void)fclose(out);
    free(body);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    struct world world = { 0 };
    struct epoll_event events[EVENTS];
    struct conn *conns;
    int64_t began;
    int clients;

    if (argc < 6)
        return 2;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    world.port = atoi(argv[1]);
    clients = atoi(argv[3]);
    world.count = atol(argv[4]);
    world.until_ns = atof(argv[5]) > 0 ? now_ns() + (int64_t)(atof(argv[5]) * 1e9) : 0;
    world.epoll = epoll_create1(EPOLL_CLOEXEC);
    make_request(&world, argv);
    conns = calloc((size_t)clients, sizeof *conns);
    if (!conns)
        die("calloc");
    began = now_ns();
    for (int i = 0; i < clients; i++) {
        conns[i].fd = -1;
        begin(&world, &conns[i]);
    }
    while (world.ended < world.started) {
        int count = epoll_wait(world.epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++)
            on_readable(&world, events[i].data.ptr);
    }
    print(&world, now_ns() - began);
    return 0;
}
