/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ip.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Every limit of the room, from the section `limits` of the configuration. */
struct limits {
    uint32_t connections, connections_per_ip; /* fixed once the listener has started, */
    uint32_t stack_bytes;                     /* as are these two */
    uint32_t header_bytes;
    uint32_t url_bytes, body_bytes, json_depth, json_values;
    uint32_t idle_ms;       /* between requests, and for a client that takes nothing of its reply */
    uint32_t read_ms;       /* for a request to arrive, from its first byte to its last */
    uint32_t request_ms;    /* for the handler */
    uint32_t reply_bytes_s; /* that a client takes of its reply, at least */
    uint32_t streams, stream_queue_bytes, heartbeat_ms;
    uint32_t recheck_s;                                 /* see stay.h */
    uint32_t idempotency_kept_s, idempotency_running_s; /* of a key: see once.h */
    uint32_t idempotency_bytes, idempotency_answers;    /* of one answer; of one user */
};

/* How long a client may take for so much of its reply. */
int64_t limits_reply_ms(const struct limits *limits, int64_t len);

/* What a running server may be told anew (SIGHUP).  Immutable once made. */
struct settings {
    struct settings *older; /* requests may still be reading it */
    struct limits limits;
    const char **origins; /* NULL-ended: may call from a browser */
    const char **hosts;   /* NULL-ended: the hosts of the origins, without port */
    struct net *proxies;  /* that are believed */
    size_t proxy_count;
    char *public_url; /* "https://agents.example.org", or NULL */
    uint32_t wrong_per_minute, wrong_delay_ms;
    uint32_t wrong_addresses; /* fixed at start */
    char *admin_password;     /* NULL: the admin panel is disabled */
    bool no_login;            /* nobody logs in: everybody is the one local user */
    bool shared;              /* everybody owns everything, as in one big room */
    bool check_replies;
};

/* All lent until settings_new() returns. */
struct settings_from {
    const json_t *limits; /* the section of the configuration, which has every limit */
    const json_t *http;   /* the same */
    const char *admin_password;
    /* No auth provider is configured, and the server listens on loopback only. */
    bool no_login;
    bool shared;
};

int settings_new(const struct settings_from *from, struct settings **ret_settings,
                 struct ein_error *err);
void settings_free(struct settings *settings); /* and all the older ones */
