/* SPDX-License-Identifier: Apache-2.0 */
/* sessions: which model a session of the front end asks, and with what parameters.
 *
 *   POST   /sessions/{id}/config   keeps a ProviderConfig under an id that the caller chose
 *   GET    /sessions/{id}/config   gives it back
 *   DELETE /sessions/{id}          forgets it
 *
 * A session belongs to the user who made it, and others get 404; or to a workspace, with
 * ?workspaceId=: members read it, its admins change it.  Site admins name a user: ?userId=.
 * Parameters that the model takes only one of (config/models) are refused together.
 * A session's id and its user's may have 508 bytes together.
 *
 * Needs storage_backend/1.
 *
 * Settings
 *   none
 *
 * Example
 *   plugins:
 *     sessions:
 */
#include "erase.h"
#include "init.h"
#include "ownership.h"
#include "provider_config.h"
#include "sessions.h"
#include <einion/services.h>

#include <stdlib.h>

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/sessions/{session_id}/config",
      .operation_id = "set_session_config",
      .summary = "Choose the model of a session",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .body_schema = PROVIDER_CONFIG_SCHEMA,
      .reply_schema = SESSION_UPDATED_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = session_set_config },
    { .method = "GET",
      .path = "/sessions/{session_id}/config",
      .operation_id = "get_session_config",
      .summary = "The model of a session",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .reply_schema = SESSION_CONFIG_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = session_get_config },
    { .method = "DELETE",
      .path = "/sessions/{session_id}",
      .operation_id = "delete_session",
      .summary = "Forget a session",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .reply_schema = SESSION_DELETED_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = session_delete },
};

static const char *const kept[] = { SESSIONS_SET, "userId", NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct sessions *sessions = impl;

    *ret_count = 0;
    return erase_docs(sessions->host, sessions->ctx, SESSIONS_SET, "userId", uid, ret_count, err);
}

static const struct ein_erasure erasure = { .struct_size = sizeof(erasure), .erase = erase };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    (void)config;
    if (!sessions)
        return error_no_memory(err);
    sessions->host = host;
    sessions->ctx = ctx;
    int r = EIN_ADD_ROUTES(host, ctx, routes, sessions, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, sessions, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "sessions", &erasure, sessions, err);
    return init_done(r, sessions, free, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct sessions *sessions = self;

    return sessions->host->store->index(sessions->ctx, SESSIONS_SET, "userId", err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "sessions",
    .version = "0.1.0",
    .summary = "Which model a session asks, and with what parameters",
    .needs = needs,
    .init = init,
    .start = start,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
