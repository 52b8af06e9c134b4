/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_H
#define CLIENT_H

#include <einion/plugin.h>
#include <jansson.h>

/* Outgoing HTTP: pooled connections driven by one thread, which starts with the first fetch.  Any
 * thread. */
struct client;
struct metrics;

enum {
    CLIENT_URL_MAX = 8192,
    CLIENT_HEADERS_MAX = 64 * 1024, /* bytes of a reply's head */
    CLIENT_QUEUE_MAX = 256 * 1024,  /* bytes of a reply that wait for the caller */
    CLIENT_SEND_PIECE = 64 * 1024,  /* bytes asked of on_send at a time */
    CLIENT_REDIRECTS_MAX = 20,
    CLIENT_CONNECTIONS_MAX = 256, /* open at once */
    CLIENT_CONNECTIONS_PER_HOST_MAX = 64
};

/* section: "egress" of the configuration: {"allow": ["10.1.0.0/16", "host.example"], "connect_ms",
 * "first_byte_ms", "idle_ms", "total_ms", "max_bytes", "ports", "proxy", "ca_file"}; allow, ports,
 * proxy and ca_file may be absent.
 * listen_host, listen_port: where this server listens, which EIN_EGRESS_PUBLIC never reaches
 * (NULL, 0: nowhere).  metrics may be NULL. */
int client_new(const json_t *section, const char *listen_host, uint16_t listen_port,
               struct metrics *metrics, struct client **ret_client, struct ein_error *err);
/* New settings for fetches from now on. */
int client_reload(struct client *client, const json_t *section, struct ein_error *err);
/* Transfers that go on end with CANCELLED; their callers must have returned from client_fetch(). */
void client_free(struct client *client);

/* What ein_client.fetch promises.  `what` and `ret` may be of a shorter struct_size. */
int client_fetch(struct client *client, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err);

#endif
