/* SPDX-License-Identifier: Apache-2.0 */
#include "listen_at.h"
#include "cleanup.h"
#include "error.h"
#include "ip.h"
#include "member.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_S = 2, ANSWER_SIZE = 1024 };

static const char *address_of(const json_t *at)
{
    return text_or_empty(at, "address");
}

static int port_of(const json_t *at)
{
    return (int)integer_of(at, "port");
}

static int parse(const json_t *at, struct sockaddr_storage *address, socklen_t *len)
{
    const char *text = address_of(at);
    uint16_t port = htons((uint16_t)port_of(at));
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        *len = sizeof(*v4);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        *len = sizeof(*v6);
        return 0;
    }
    return EIN_E_INVALID;
}

bool listen_at_is_loopback(const json_t *at)
{
    return ip_is_loopback(address_of(at));
}

int listen_at_failed(const json_t *at, struct ein_error *err)
{
    return error_set(err, errno == EADDRINUSE ? EIN_E_CONFLICT : EIN_E_UNAVAILABLE,
                     "cannot listen on %s port %d: %s", address_of(at), port_of(at),
                     strerrordesc_np(errno));
}

int listen_at_bind(const json_t *at, int *ret_fd, struct ein_error *err)
{
    struct sockaddr_storage address;
    socklen_t len;
    EIN_CLOSE int fd = -1;
    int on = 1, off = 0;

    if (parse(at, &address, &len) < 0)
        return error_set(err, EIN_E_INVALID,
                         "listen.address: \"%s\" is not an IPv4 or IPv6 address", address_of(at));
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "cannot make a socket: %s",
                         strerrordesc_np(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (struct sockaddr *)&address, len) < 0)
        return listen_at_failed(at, err);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

uint16_t listen_at_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);

    (void)getsockname(fd, (struct sockaddr *)&address, &len);
    return ntohs(((struct sockaddr_in *)&address)->sin_port); /* the same place in v6 */
}

/* ---- einion check ---- */

/* Whether what listens there is alive as our servers are. */
static bool is_ours(const json_t *at)
{
    static const char request[] =
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const struct timeval patience = { .tv_sec = ANSWER_S };
    char answer[ANSWER_SIZE];
    struct sockaddr_storage address;
    socklen_t len;
    ssize_t got = 0, n;
    EIN_CLOSE int fd = -1;

    if (parse(at, &address, &len) < 0)
        return false;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, len) < 0 ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
        return false;
    while (got < ANSWER_SIZE - 1 &&
           (n = recv(fd, answer + got, (size_t)(ANSWER_SIZE - 1 - got), 0)) > 0)
        got += n;
    answer[got] = '\0';
    return strstr(answer, "\r\nX-Request-ID: ") && strstr(answer, "{\"status\":\"alive\"}");
}

int listen_at_check(const json_t *at, ein_say *say, void *data, struct ein_error *err)
{
    EIN_CLOSE int fd = -1;
    char line[256];
    int r = listen_at_bind(at, &fd, err);

    if (r < 0 && !(r == EIN_E_CONFLICT && is_ours(at)))
        return r;
    (void)snprintf(line, sizeof(line), "%s port %d %s", address_of(at), port_of(at),
                   r < 0 ? "is served by an einion that runs" : "can be listened on");
    say(line, data);
    return 0;
}
