/* SPDX-License-Identifier: Apache-2.0 */
/* auth-session: people log in with a browser at whatever auth_provider/1 has a login, and are
 * known by the cookie gofannon_sid from then on.
 *
 *   GET    /auth/providers             who people may log in with
 *   GET    /auth/login/{type}          to the provider; ?return_to= says where to come out
 *   GET    /auth/callback/{type}       back from the provider
 *   GET    /auth/me                    who is calling
 *   POST   /auth/logout                ends the session, if there is one
 *   POST   /auth/refresh-workspaces    asks the provider for the workspaces again
 *   GET    /auth/sessions              one's own sessions
 *   DELETE /auth/sessions              ends them all
 *   DELETE /auth/sessions/{session_id} ends one
 *   DELETE /admin/users/{user_id}/sessions   ends all of somebody's
 *
 * Whoever the provider knows may log in if they are a site admin or a member of one of its
 * workspaces; everybody has a personal one besides.  A login carries a signed state that is bound
 * to the provider and to the browser and can be used once, PKCE and a nonce.  A session lies in the
 * store under the hash of its cookie, so that all servers of a store know it, and ends so long
 * after the login, whatever happens in between; it is refused while its provider is not there, and
 * what was begun with it ends with it (limits.recheck_s).
 *
 * Publishes auth_provider/1 as "session" where `logins` is on.  Needs storage_backend/1.
 *
 * Settings (the section auth gives those that it has)
 *   logins                      sessions count (false)
 *   site_admins                 PROVIDER:ID of those who may do everything (none)
 *   session_ttl_hours           how long a session lasts (24)
 *   workspace_refresh_minutes   how old a provider's word may be (15)
 *   legacy_firebase_enabled     what /auth/providers says (false)
 *   frontends                   where a login may come out (http.origins)
 *   sessions_per_user           the oldest make room (100)
 *   sweep_s                     how often expired sessions are deleted (600)
 *
 * Example
 *   plugins:
 *     auth-session:
 *       sessions_per_user: 10
 */
#include "auth_schemas.h"
#include "auth_session.h"
#include "erase.h"
#include "init.h"
#include "session.h"
#include "state.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "logins": {"type": "boolean", "default": false,
               "description": "Sessions count; the section auth switches it on."},
    "site_admins": {"type": "array", "items": {"type": "string"}, "default": [],
                    "description": "PROVIDER:ID of those who see and may do everything."},
    "session_ttl_hours": {"type": "number", "minimum": 0.001, "maximum": 8760, "default": 24,
        "description": "How long after a login its session ends; parts of an hour may be given."},
    "workspace_refresh_minutes": {"type": "number", "minimum": 0.01, "maximum": 525600,
                                  "default": 15,
        "description": "How old what the provider said may be before it is asked again."},
    "legacy_firebase_enabled": {"type": "boolean", "default": false,
                                "description": "What /auth/providers says of Firebase logins."},
    "frontends": {"type": "array", "items": {"type": "string", "pattern": "^https?://[^/]+/?$"},
                  "minItems": 1, "default": ["http://localhost:3000"],
                  "description": "Origins where a login may come out, by default the first."},
    "sessions_per_user": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100,
                          "description": "Sessions of one user; the oldest make room."},
    "sweep_s": {"type": "integer", "minimum": 1, "maximum": 86400, "default": 600,
                "description": "How often expired sessions are deleted."}
}});
/* clang-format on */

#define RETURN_TO_SCHEMA                                                                           \
    SCHEMA({                                                                                       \
        "type" : "object",                                                                         \
        "properties" : {                                                                           \
            "return_to" : {                                                                        \
                "type" : "string",                                                                 \
                "description" : "A path of the front end, or an URL of one of its origins"         \
            }                                                                                      \
        }                                                                                          \
    })

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/auth/providers",
      .operation_id = "list_login_providers",
      .summary = "Who people may log in with",
      .auth = EIN_AUTH_NONE,
      .reply_schema = PROVIDERS_SCHEMA,
      .handle = login_providers },
    { .method = "GET",
      .path = "/auth/login/{type}",
      .operation_id = "login",
      .summary = "To the login of a provider",
      .auth = EIN_AUTH_NONE,
      .query_schema = RETURN_TO_SCHEMA,
      .status = 302,
      .handle = login_begin },
    { .method = "GET",
      .path = "/auth/callback/{type}",
      .operation_id = "login_callback",
      .summary = "Back from the login of a provider",
      .auth = EIN_AUTH_NONE,
      .status = 302,
      .handle = login_callback },
    { .method = "GET",
      .path = "/auth/me",
      .operation_id = "who_am_i",
      .summary = "Who is calling",
      .auth = EIN_AUTH_OPTIONAL,
      .reply_schema = ME_SCHEMA,
      .handle = me_show },
    { .method = "POST",
      .path = "/auth/logout",
      .operation_id = "logout",
      .summary = "End the session",
      .auth = EIN_AUTH_NONE,
      .status = 204,
      .handle = me_logout },
    { .method = "POST",
      .path = "/auth/refresh-workspaces",
      .operation_id = "refresh_workspaces",
      .summary = "Ask the provider for the workspaces again",
      .auth = EIN_AUTH_USER,
      .reply_schema = CHANGES_SCHEMA,
      .handle = me_refresh },
    { .method = "GET",
      .path = "/auth/sessions",
      .operation_id = "list_login_sessions",
      .summary = "Where one is logged in",
      .auth = EIN_AUTH_USER,
      .reply_schema = SESSIONS_SCHEMA,
      .scope = "admin",
      .handle = mine_list },
    { .method = "DELETE",
      .path = "/auth/sessions",
      .operation_id = "delete_login_sessions",
      .summary = "Log out everywhere",
      .auth = EIN_AUTH_USER,
      .reply_schema = DELETED_SCHEMA,
      .scope = "admin",
      .handle = mine_revoke_all },
    { .method = "DELETE",
      .path = "/auth/sessions/{session_id}",
      .operation_id = "delete_login_session",
      .summary = "Log out in one place",
      .auth = EIN_AUTH_USER,
      .scope = "admin",
      .status = 204,
      .handle = mine_revoke },
    { .method = "DELETE",
      .path = "/admin/users/{user_id}/sessions",
      .operation_id = "delete_login_sessions_of",
      .summary = "Log a user out everywhere",
      .auth = EIN_AUTH_ADMIN,
      .reply_schema = DELETED_SCHEMA,
      .scope = "admin:write",
      .handle = others_revoke_all },
};

/* In a finer unit than it is written. */
static int64_t number(const json_t *config, const char *name, int64_t unit)
{
    return (int64_t)(json_number_value(json_object_get(config, name)) * (double)unit);
}

static int start(void *data, struct ein_error *err)
{
    static const char *const indexes[][2] = {
        { SESSIONS_SET, "userId" },
        { SESSIONS_SET, "expiresAt" },
        { STATES_SET, "expiresAt" },
    };
    struct auth_session *self = data;

    if (!self->logins)
        return 0;
    for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        int r = self->host->store->index(self->ctx, indexes[i][0], indexes[i][1], err);
        if (r < 0)
            return r;
    }
    int r = state_load_key(self, err);
    if (r < 0)
        return r;
    r = self->host->every(self->ctx, self->sweep_ms, session_sweep, self);
    return r < 0 ? error_set(err, r, "expired sessions cannot be swept") : 0;
}

static void fini(void *data)
{
    struct auth_session *self = data;

    trickle_done(&self->refusals);
    explicit_bzero(self->login_key, sizeof(self->login_key));
    free(self);
}

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct auth_session *self = impl;

    *ret_count = 0; /* those that are over, and not yet swept, are among them */
    return erase_docs(self->host, self->ctx, SESSIONS_SET, "userId", uid, ret_count, err);
}

static const struct ein_erasure erasure = { .struct_size = sizeof(erasure), .erase = erase };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct auth_session *self = calloc(1, sizeof(*self));
    int r;

    if (!self)
        return error_no_memory(err);
    trickle_init(&self->refusals);
    self->host = host;
    self->ctx = ctx;
    self->logins = json_is_true(json_object_get(config, "logins"));
    self->legacy_firebase = json_is_true(json_object_get(config, "legacy_firebase_enabled"));
    self->site_admins = json_object_get(config, "site_admins");
    self->frontends = json_object_get(config, "frontends");
    self->ttl_s = number(config, "session_ttl_hours", 3600);
    self->refresh_ms = number(config, "workspace_refresh_minutes", 60000);
    self->sweep_ms = (uint32_t)number(config, "sweep_s", 1000);
    self->sessions_per_user = (uint32_t)number(config, "sessions_per_user", 1);

    r = EIN_ADD_ROUTES(host, ctx, routes, self, err);
    if (r >= 0 && self->logins)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, "session", &session_provider, self, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "logins", &erasure, self, err);
    return init_done(r, self, fini, ret_self);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "auth-session",
    .version = "0.1.0",
    .summary = "Browser logins, sessions, and who is calling",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
