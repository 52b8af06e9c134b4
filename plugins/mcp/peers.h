/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "map.h"
#include "wire.h"

#include <pthread.h>
#include <stdint.h>

/* What is known of servers: what they speak (for everybody, by their address), and the sessions
 * and lists of one user and token there. */

enum { PEER_SESSION_SIZE = 1024 }; /* bytes of a session's id, with the NUL */

enum peer_era {
    PEER_UNKNOWN,
    PEER_MODERN, /* 2026-07-28: without sessions */
    PEER_LEGACY, /* streamable HTTP of 2025 */
    PEER_OLD_SSE /* of 2024-11-05: a stream, and another address to post to */
};

struct peer_state {
    enum peer_era era;
    char version[MCP_VERSION_SIZE];  /* of the open session */
    char session[PEER_SESSION_SIZE]; /* "": none, or the server gives no ids */
    bool open;                       /* LEGACY: it was initialised */
};

struct peers {
    pthread_mutex_t lock;
    struct map peers;    /* of struct peer; guarded by lock */
    struct map verdicts; /* of struct verdict; likewise */
    uint32_t max;        /* of each */
    size_t kept_max;     /* bytes of all lists of tools */
    size_t kept;         /* now; guarded by lock */
};

/* A session that is to be told that it has ended. */
typedef void peer_end_fn(void *data, const char *key, const struct peer_state *state);

int peers_init(struct peers *peers, uint32_t max, size_t kept_max);
void peers_done(struct peers *peers); /* also what peers_init() has not finished */

/* URL, user and token (each may be NULL) as one text; peer_key_free(). */
char *peer_key(int egress, const char *url, const char *user, const char *token);
void peer_key_free(char *key); /* overwrites it */
/* The parts of such a text, lent; "" for NULL. */
const char *peer_key_url(const char *key);
const char *peer_key_token(const char *key);
int peer_key_egress(const char *key);

/* What is known now; all zero: nothing. */
void peers_get(struct peers *peers, const char *key, uint32_t verdict_ms,
               struct peer_state *ret_state);
/* Remembers it.  Forgotten without memory. */
void peers_set(struct peers *peers, const char *key, const struct peer_state *state);
/* Another call may have opened a session too: true, and it is in `state`.  Else `state` is
 * remembered. */
bool peers_share(struct peers *peers, const char *key, struct peer_state *state);
/* The session is no more, unless there is another one by now. */
void peers_lost(struct peers *peers, const char *key, const char *session);
void peers_forget_verdict(struct peers *peers, const char *key);

/* A list of tools, which takes `bytes`; NULL: it is not to be kept any more. */
void peers_keep_tools(struct peers *peers, const char *key, json_t *tools, size_t bytes,
                      int64_t ttl_ms);
/* The list (`fresh`: while it is to be kept, else however old); json_decref; NULL: there is none.
 */
json_t *peers_tools(struct peers *peers, const char *key, bool fresh);

/* Those that nobody used for so long go. */
void peers_sweep(struct peers *peers, uint32_t idle_ms, peer_end_fn *end, void *data);
