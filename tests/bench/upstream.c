/* SPDX-License-Identifier: Apache-2.0
 *
 * A vendor that costs nothing: answers every POST as a chat completion, at once, or as a stream
 * of `pieces` events with `pause_ms` between them where the body asks for one.  An MCP server that
 * costs nothing, too: where the body is a request of that, with one tool.
 *
 * usage: bench_upstream PORT PIECES PAUSE_MS; runs until its input ends. */
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

enum { READ_MAX = 64 * 1024, EVENTS = 256, INPUT = 0 };

struct conn {
    int fd;
    char in[READ_MAX];
    size_t len;
    int left;        /* pieces to be sent; 0: no stream */
    int64_t next_us; /* when the next is due */
    struct conn *later;
};

struct world {
    int epoll, listener, pieces;
    int64_t pause_us;
    struct conn *first, *last; /* streams in the order in which they are due */
    char whole[1024], piece[512], end[1024];
    size_t whole_len, piece_len, end_len;
};

static const char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                  "Transfer-Encoding: chunked\r\nx-request-id: req_bench\r\n\r\n";

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- what is said ---- */

static size_t chunk(char *out, size_t size, const char *text)
{
    return (size_t)snprintf(out, size, "%zx\r\n%s\r\n", strlen(text), text);
}

static void prepare(struct world *world)
{
    static const char reply[] =
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,"
        "\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"An anvil is a block of steel on which metal is forged.\"},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":14,"
        "\"total_tokens\":26}}";
    static const char delta[] =
        "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
        "\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"role\":\"assistant\",\"content\":\"anvil \"},\"finish_reason\":null}]}\n\n";
    static const char stop[] =
        "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
        "\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{},"
        "\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
        "\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":"
        "{\"prompt_tokens\":12,\"completion_tokens\":14,\"total_tokens\":26}}\n\n"
        "data: [DONE]\n\n";

    world->whole_len = (size_t)snprintf(world->whole, sizeof world->whole,
                                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                        "x-request-id: req_bench\r\nContent-Length: %zu\r\n\r\n%s",
                                        sizeof reply - 1, reply);
    world->piece_len = chunk(world->piece, sizeof world->piece, delta);
    world->end_len = chunk(world->end, sizeof world->end - 8, stop);
    memcpy(world->end + world->end_len, "0\r\n\r\n", 5);
    world->end_len += 5;
}

/* ---- connections ---- */

static void drop(struct conn *conn)
{
    (void)close(conn->fd);
    conn->fd = -1;
    conn->len = 0;
    if (conn->left == 0)
        free(conn);
}

/* The replies are far smaller than a socket's buffer. */
static void say(struct conn *conn, const char *text, size_t len)
{
    if (conn->fd >= 0 && send(conn->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        (void)shutdown(conn->fd, SHUT_RDWR);
}

static void queue(struct world *world, struct conn *conn)
{
    conn->later = NULL;
    if (world->last)
        world->last->later = conn;
    else
        world->first = conn;
    world->last = conn;
}

static void stream_at_once(struct world *world, struct conn *conn)
{
    size_t size = sizeof stream_head + world->piece_len * (size_t)world->pieces + world->end_len;
    char *text = malloc(size), *at = text;

    if (!text)
        abort();
    at = mempcpy(at, stream_head, sizeof stream_head - 1);
    for (int i = 0; i < world->pieces; i++)
        at = mempcpy(at, world->piece, world->piece_len);
    at = mempcpy(at, world->end, world->end_len);
    say(conn, text, (size_t)(at - text));
    free(text);
}

/* tools/list has what tools/call has. */
static void answer_mcp(struct conn *conn, const char *body)
{
    const char *id = strstr(body, "\"id\":");
    char text[512], whole[768];
    int len = snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"resultType\":\"complete\","
                       "\"ttlMs\":3600000,\"tools\":[{\"name\":\"t\",\"inputSchema\":"
                       "{\"type\":\"object\"}}],\"content\":[{\"type\":\"text\",\"text\":"
                       "\"An anvil is a block of steel on which metal is forged.\"}]}}",
                       id ? strtol(id + 5, NULL, 10) : 0);

    len = snprintf(whole, sizeof whole,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d"
                   "\r\n\r\n%s",
                   len, text);
    say(conn, whole, (size_t)len);
}

static void answer(struct world *world, struct conn *conn, const char *body)
{
    if (strstr(body, "\"jsonrpc\"")) {
        answer_mcp(conn, body);
        return;
    }
    if (!strstr(body, "\"stream\":true") && !strstr(body, "\"stream\": true")) {
        say(conn, world->whole, world->whole_len);
    } else if (world->pause_us == 0) {
        stream_at_once(world, conn);
    } else {
        say(conn, stream_head, sizeof stream_head - 1);
        say(conn, world->piece, world->piece_len);
        conn->left = world->pieces;
        conn->next_us = now_us() + world->pause_us;
        queue(world, conn);
    }
}

/* False: there is no whole request yet. */
static bool take_request(struct world *world, struct conn *conn)
{
    const char *length;
    char *end, after;
    size_t whole;

    conn->in[conn->len] = '\0';
    end = strstr(conn->in, "\r\n\r\n");
    if (!end)
        return false;
    length = strcasestr(conn->in, "\r\ncontent-length:");
    whole = (size_t)(end + 4 - conn->in) +
            (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
    if (conn->len < whole)
        return false;
    after = conn->in[whole];
    conn->in[whole] = '\0';
    answer(world, conn, end + 4);
    conn->in[whole] = after;
    conn->len -= whole;
    memmove(conn->in, conn->in + whole, conn->len);
    return true;
}

static void read_some(struct world *world, struct conn *conn)
{
    ssize_t count =
        recv(conn->fd, conn->in + conn->len, sizeof conn->in - 1 - conn->len, MSG_DONTWAIT);

    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR))
            drop(conn);
        return;
    }
    conn->len += (size_t)count;
    while (take_request(world, conn))
        continue;
}

static void welcome(struct world *world)
{
    int fd = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
    struct conn *conn = fd < 0 ? NULL : malloc(sizeof *conn);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

    if (!conn)
        return;
    conn->fd = fd;
    conn->len = 0;
    conn->left = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)epoll_ctl(world->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Milliseconds until the next piece is due, -1: never. */
static int send_due(struct world *world)
{
    while (world->first) {
        struct conn *conn = world->first;
        int64_t left = conn->next_us - now_us();

        if (left > 0)
            return (int)((left + 999) / 1000);
        world->first = conn->later;
        if (!world->first)
            world->last = NULL;
        if (--conn->left > 0) {
            say(conn, world->piece, world->piece_len);
            conn->next_us += world->pause_us;
            queue(world, conn);
        } else {
            say(conn, world->end, world->end_len);
            if (conn->fd < 0)
                free(conn);
        }
    }
    return -1;
}

static void serve(struct world *world)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(world->epoll, events, EVENTS, send_due(world));

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == world) {
                welcome(world);
            } else if (!events[i].data.ptr) {
                char byte;

                if (read(INPUT, &byte, 1) <= 0)
                    return;
            } else {
                read_some(world, events[i].data.ptr);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct rlimit files = { 65536, 65536 };
    struct world world = { 0 };
    struct epoll_event event = { .events = EPOLLIN };
    int on = 1;

    if (argc != 4)
        return 2;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    at.sin_port = htons((uint16_t)atoi(argv[1]));
    world.pieces = atoi(argv[2]);
    world.pause_us = (int64_t)atoi(argv[3]) * 1000;
    prepare(&world);
    world.epoll = epoll_create1(EPOLL_CLOEXEC);
    world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(world.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(world.listener, (struct sockaddr *)&at, sizeof at) < 0 ||
        listen(world.listener, 4096) < 0) {
        perror("bench_upstream");
        return 1;
    }
    event.data.ptr = &world;
    (void)epoll_ctl(world.epoll, EPOLL_CTL_ADD, world.listener, &event);
    event.data.ptr = NULL;
    (void)epoll_ctl(world.epoll, EPOLL_CTL_ADD, INPUT, &event);
    serve(&world);
    return 0;
}
