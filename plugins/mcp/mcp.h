/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cleanup.h"
#include "peers.h"
#include "wire.h"

#include <einion/services.h>
#include <stdatomic.h>
#include <stdbool.h>

struct notice;

/* What servers are told, one after the other: one that does not listen holds up a single worker. */
struct notices {
    pthread_mutex_t lock;
    /* guarded by lock: */
    struct notice *first, **last; /* those that wait */
    unsigned waiting;
    bool sending;
};

struct mcp {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t connect_ms, total_ms, total_max_ms, notice_ms;
    uint32_t retry_max_ms, resumes_max, redirects_max;
    uint32_t pages_max, tools_max;
    uint32_t idle_ms, verdict_ms;
    size_t reply_max, values_max; /* of all that a server sends in one call */
    struct peers peers;
    struct notices notices;
    atomic_llong next_id;
};

/* A request to a server, whatever way it goes. */
struct mcp_request {
    const char *method;
    json_t *params;   /* owned; NULL: none */
    const char *tool; /* its name, for tools/call; NULL: another method */
    /* Takes a result: 0, 1 (ask again with *ret_params, taken), or negative with err set. */
    int (*on_result)(void *data, json_t *result, json_t **ret_params, struct ein_error *err);
    void *data;
};

/* One call of ours to a server. */
struct talk {
    struct mcp *mcp;
    struct ein_mcp_call call; /* zero beyond what the caller knows */
    int64_t until_ms;         /* clock_mono_ms() */
    char *key;                /* of the peer */
    size_t bytes, values;     /* in the messages that came */
    struct peer_state state;  /* what was known when it began, and was learned */
};

uint32_t talk_left_ms(const struct talk *talk); /* 0: the deadline has passed */

/* Finds out what the server speaks, if it is not known. */
int choose(struct talk *talk, struct ein_error *err);

/* Asks for every page with ONE: 0, 1 (the next with *ret_params, taken), ASK_AGAIN, or negative. */
enum { ASK_AGAIN = 2 };
typedef int ask_one(struct talk *talk, const struct mcp_request *request, bool again,
                    json_t **ret_params, struct ein_error *err);
int ask_pages(struct talk *talk, struct mcp_request *request, ask_one *one, struct ein_error *err);

/* The ways to ask.  On failure the state may have lost its era: choose again. */
int modern_ask(struct talk *talk, struct mcp_request *request, struct ein_error *err);
int legacy_ask(struct talk *talk, struct mcp_request *request, struct ein_error *err);
int old_sse_ask(struct talk *talk, struct mcp_request *request, struct ein_error *err);
int ask(struct talk *talk, struct mcp_request *request, struct ein_error *err);

/* The request as a message, with a token for progress where that is wanted; json_decref; NULL: no
 * memory. */
json_t *mcp_message(const struct talk *talk, const struct mcp_request *request, json_int_t id,
                    bool modern);

/* Opens a session.  *ret_status is what the server answered, 0: nothing. */
int legacy_open(struct talk *talk, int *ret_status, struct ein_error *err);

/* mcp_client/1, and the route. */
int mcp_list_tools(void *impl, const struct ein_mcp_call *call, json_t **ret_tools,
                   struct ein_error *err);
int mcp_call_tool(void *impl, const struct ein_mcp_call *call, const char *tool,
                  const json_t *arguments, json_t **ret_result, struct ein_error *err);
int mcp_tools_post(struct ein_req *req, void *self);

/* Ends sessions that nobody uses; for host->every(). */
void mcp_sweep(void *self);
