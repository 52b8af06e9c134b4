/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "running.h"
#include "session.h"

#include <einion/services.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MCP_PATH  "/mcp"
#define RUN_SCOPE "deployments:run"

/* One instance of the plugin: the `self` of its routes.  All but `sessions`, `running` and
 * `listening` is const after init. */
struct mcp_server {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    uint32_t json_depth, json_values, batch_max;
    uint32_t whole_max, page_max, found_max, short_bytes, names_bytes; /* of listings */
    uint32_t ttl_ms, watch_ms, listen_ms, listeners_max;
    const char *instructions;            /* "": none */
    const json_t *authorization_servers; /* array of text, as is the next */
    const json_t *oauth_scopes;
    struct ein_route *routes; /* with body_max as configured */
    struct sessions sessions;
    struct running running;
    atomic_uint listening;
};

/* One request of a client, until it is answered. */
struct turn {
    struct mcp_server *server;
    struct ein_req *req;
    const json_t *id, *params; /* params NULL: none */
    const char *session;       /* NULL: none */
    bool modern;               /* 2026-07-28 */
    bool may_stream;           /* the client takes an answer in pieces, and one of it alone */
    bool streaming;            /* pieces have been sent */
    int status;                /* of `answer` */
    json_t *answer;            /* NULL: there is no memory for one */
};

/* The routes (endpoint.c, metadata.c, listen.c). */
ein_handler mcp_post, mcp_get, mcp_delete, mcp_metadata;

/* Each makes the answer of a turn. */
void turn_result(struct turn *turn, json_t *take_result); /* NULL: no memory */
void turn_fail(struct turn *turn, int code, const char *fmt, ...) EIN_PRINTF(3, 4);
void turn_fail_error(struct turn *turn, const struct ein_error *err);
/* A piece before the answer; EIN_E_CANCELLED: nobody is there to take it. */
int turn_tell(struct turn *turn, json_t *take_notification);

/* Methods. */
typedef void turn_fn(struct turn *turn);
turn_fn about_initialize, about_discover;                     /* about.c */
turn_fn tools_list, tools_call;                               /* list.c, call.c */
turn_fn listen_to_changes;                                    /* listen.c */
struct json_t *about_server(const struct mcp_server *server); /* {"name", "title", "version"} */

/* error_shape/1 (metadata.c): errors of /mcp are JSON-RPC's, and a 401 says where the metadata
 * are. */
json_t *mcp_shape_error(void *impl, struct ein_req *req, int *status, const json_t *detail);
