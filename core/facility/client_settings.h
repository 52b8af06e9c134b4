/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client_line.h"
#include <jansson.h>

struct egress;
struct trust;

/* The "egress" section; shared by the fetches that began while it was in force. */
struct client_settings {
    uint32_t users; /* guarded by the lock of the client */
    struct egress *egress;
    char *proxy, *no_proxy; /* NULL: none */
    struct trust *trust;
    json_t *traced; /* hosts that are sent a traceparent; may be NULL */
    uint32_t connect_ms, first_byte_ms, idle_ms, total_ms, linger_ms, finish_ms;
    uint64_t max_bytes;
    struct line_limits lines;
};

/* The addresses at which this server listens are never reached; see client_new(). */
int client_settings_load(const json_t *section, const char *listen_host, uint16_t listen_port,
                         struct client_settings **ret_settings, struct ein_error *err);
void client_settings_free(struct client_settings *settings);
/* Whether the operator wants this host to be told of traces. */
bool client_settings_traced(const struct client_settings *settings, const char *host);
