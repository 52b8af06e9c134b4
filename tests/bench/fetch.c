/* SPDX-License-Identifier: Apache-2.0
 *
 * What one outgoing request costs: `count` POSTs by the server's HTTP client, one after the other,
 * and as many on a bare socket, to bench_upstream.
 *
 * usage: bench_fetch PORT COUNT [THREADS] */
#include "client.h"
#include "clock.h"
#include "section.h"
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char body[] = "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\","
                           "\"content\":\"What is an anvil?\"}]}";

struct bench {
    struct client *client;
    int port, count;
};

static void *by_client(void *data)
{
    static const char *const headers[] = { "Content-Type: application/json",
                                           "Authorization: Bearer sk-bench", NULL };
    const struct bench *bench = data;
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/chat/completions", bench->port);
    for (int i = 0; i < bench->count; i++) {
        struct ein_fetch what = { .struct_size = sizeof what,
                                  .egress = EIN_EGRESS_OPERATOR,
                                  .method = "POST",
                                  .url = url,
                                  .headers = headers,
                                  .body = body,
                                  .body_len = sizeof body - 1 };
        struct ein_fetched got = { .struct_size = sizeof got };
        struct ein_error err;

        if (client_fetch(bench->client, &what, &got, &err) < 0 || got.status != 200) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        json_decref(got.headers);
        free(got.body);
    }
    return NULL;
}

static void *by_socket(void *data)
{
    const struct bench *bench = data;
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)bench->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char request[512], reply[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    int len =
        snprintf(request, sizeof request,
                 "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                 sizeof body - 1, body);

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        exit(1);
    for (int i = 0; i < bench->count; i++) {
        if (send(fd, request, (size_t)len, 0) != len || recv(fd, reply, sizeof reply, 0) <= 0)
            exit(1);
    }
    (void)close(fd);
    return NULL;
}

static double cpu_us(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static long switches(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return used.ru_nvcsw + used.ru_nivcsw;
}

static void measure(const char *name, void *(*run)(void *), struct bench *bench, int threads)
{
    double cpu = cpu_us(), total = (double)bench->count * threads;
    long switched = switches();
    int64_t began = clock_mono_us();
    pthread_t ids[64];

    for (int i = 0; i < threads; i++)
        (void)pthread_create(&ids[i], NULL, run, bench);
    for (int i = 0; i < threads; i++)
        (void)pthread_join(ids[i], NULL);
    printf("%-8s %7.1f us each, %6.1f us of a processor, %5.2f switches\n", name,
           (double)(clock_mono_us() - began) * threads / total, (cpu_us() - cpu) / total,
           (double)(switches() - switched) / total);
}

int main(int argc, char **argv)
{
    int threads = argc > 3 ? atoi(argv[3]) : 1;
    struct bench bench = { .port = argc > 2 ? atoi(argv[1]) : 0,
                           .count = argc > 2 ? atoi(argv[2]) : 0 };
    json_t *section = section_with("egress", NULL);
    struct ein_error err;

    if (argc < 3 || threads < 1 || threads > 64)
        return 2;
    if (client_new(section, NULL, 0, NULL, &bench.client, &err) < 0)
        return 1;
    json_decref(section);
    measure("socket", by_socket, &bench, threads);
    measure("client", by_client, &bench, threads);
    client_free(bench.client);
    return 0;
}
