/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* Outgoing HTTP: each fetch runs on its caller's thread, over connections that are kept and used
 * again.  Any thread. */
struct client;
struct metrics;
struct tracing;

enum {
    CLIENT_URL_MAX = 8192,
    CLIENT_HEADERS_MAX = 64 * 1024,   /* bytes of a reply's head */
    CLIENT_RECEIVE_PIECE = 16 * 1024, /* bytes of a reply read at a time, where the caller */
    CLIENT_RECEIVE_LEAST = 1024,      /* does not want fewer, but not below these */
    CLIENT_SEND_PIECE = 64 * 1024,    /* bytes asked of on_send at a time */
    CLIENT_REDIRECTS_MAX = 20
};

/* section: "egress" of the configuration: {"allow": ["10.1.0.0/16", "host.example"], "connect_ms",
 * "first_byte_ms", "idle_ms", "total_ms", "max_bytes", "connections", "idle_connections",
 * "idle_connection_ms", "linger_ms", "finish_ms", "ports", "proxy", "ca_file", "traceparent"};
 * allow, ports, proxy, ca_file and traceparent may be absent.  The command line also has
 * "no_proxy".  listen_host, listen_port: where this server listens, which EIN_EGRESS_PUBLIC never
 * reaches (NULL, 0: nowhere).  metrics may be NULL. */
int client_new(const json_t *section, const char *listen_host, uint16_t listen_port,
               struct metrics *metrics, struct client **ret_client, struct ein_error *err);
/* Before the first fetch: each is a span from then on, and those to the hosts of "traceparent"
 * carry the trace on. */
void client_set_tracing(struct client *client, struct tracing *tracing);
/* Could these be new settings? */
int client_check(const struct client *client, const json_t *section, struct ein_error *err);
/* New settings for fetches from now on. */
int client_reload(struct client *client, const json_t *section, struct ein_error *err);
/* Fetches that go on end with CANCELLED; returns after them. */
void client_free(struct client *client);

/* What ein_client.fetch promises.  `what` and `ret` may be of a shorter struct_size, `ret` NULL. */
int client_fetch(struct client *client, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err);
