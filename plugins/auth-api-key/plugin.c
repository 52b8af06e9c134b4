/* SPDX-License-Identifier: Apache-2.0 */
/* auth-api-key: programs that call as the user who gave them a key.
 *
 *   POST   /users/me/keys            makes a key, and shows it this once
 *   GET    /users/me/keys            the caller's keys: how they begin, never the whole
 *   GET    /users/me/keys/{key_id}   one of them
 *   GET    /users/me/key             the one that asks: a program sees what is left of its budget
 *   PUT    /users/me/keys/{key_id}   changes its name or its limits
 *   DELETE /users/me/keys/{key_id}   revokes it, and with it the keys that it has made
 *   GET    /admin/keys               everybody's, with "userId"; ?user_id= one user's
 *   DELETE /admin/users/{user_id}/keys  revokes all of a user's
 *   DELETE /admin/keys/{key_id}      revokes anybody's
 *
 * A key is sent as `Authorization: Bearer eink_ID_SECRET` (key_text.h says what it looks like) or
 * `x-api-key: eink_ID_SECRET`, and kept as a hash.  Other tokens are left to others.  Publishes
 * auth_provider/1 "api_key"; its claims hold "keyId", by which it may be asked again whether the
 * key is good.  A wrong key is 401, and WWW-Authenticate says why: key_unknown, key_expired,
 * key_revoked.
 *
 * A key does what its scopes say: models, agents, deployments, admin, each whole or as agents:read,
 * agents:write, agents:run; and use:NAME, which deployments may ask for.  It can be given no scope
 * that its maker lacks.  It acts as its owner and has their workspaces no longer than they do;
 * key_owner.h says how that is known.  The rights of a site admin need the scope admin besides. The
 * keys themselves need a login, or that scope; a key that was made by a key ends with it.
 *
 * A key may have limits of its own: the models that it may ask, what it may spend a day, week,
 * month or in total, requests and tokens of models a minute.  The plugins models and users see to
 * them, by api_keys/1, whatever it is that the key asks models by.  Such a key makes and changes no
 * keys.
 *
 * Verified keys are held for cache_ms.  A key that is revoked at this server is refused at once, at
 * other servers of the same store after that time.  lastUsedAt is exact to a minute.
 *
 * Off unless logins are configured (`auth`, APP_ENV=firebase).  Without any, everybody is
 * local-dev-user and needs no key; enabled all the same it shuts out who has none, and nobody can
 * make one.
 *
 * Needs storage_backend/1.  Asks ledger/1, audit/1 and the auth_provider/1 of an owner where they
 * are there.
 *
 * Settings
 *   keys_per_user       keys that one user may have (50)
 *   max_days            how long a key may live, and lives unless less is asked for; 0: for ever
 *                       (365)
 *   cache_ms            how long a verified key is held (5000)
 *   cache_keys          how many of them (4096)
 *   recheck_ms          how old what an owner's provider said of them may be before it is asked
 *                       again (900000)
 *   unconfirmed_hours   how long an owner's workspaces are believed without it (24)
 *   site_admins         set by the section auth (none)
 *   revoked_days        how long a revoked key is remembered; then it is unknown (30)
 *
 * Example
 *   plugins:
 *     auth-api-key:
 *       max_days: 90
 */
#include "api_keys.h"
#include "http_json.h"
#include "init.h"
#include "key_doc.h"
#include "limits.h"
#include "member.h"
#include <stdlib.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({
    "type": "object",
    "properties": {
        "keys_per_user": {
            "type": "integer", "minimum": 1, "maximum": 1000, "default": 50,
            "description": "Keys that one user may have."
        },
        "max_days": {
            "type": "integer", "minimum": 0, "maximum": 36500, "default": 365,
            "description": "How long a key may live, and lives unless less is asked for. 0: for ever."
        },
        "cache_ms": {
            "type": "integer", "minimum": 0, "maximum": 60000, "default": 5000,
            "description": "How long a verified key is held. A key that is revoked at another server is refused here after that time."
        },
        "cache_keys": {
            "type": "integer", "minimum": 1, "maximum": 1000000, "default": 4096,
            "description": "How many verified keys are held."
        },
        "recheck_ms": {
            "type": "integer", "minimum": 0, "maximum": 86400000, "default": 900000,
            "description": "How old what an owner's provider said of their workspaces may be before it is asked again."
        },
        "unconfirmed_hours": {
            "type": "integer", "minimum": 0, "maximum": 8760, "default": 24,
            "description": "How long an owner's workspaces are believed where the provider cannot be asked, and that they are a site admin, since they were last at their keys. After it a key opens its owner's own things alone."
        },
        "site_admins": {
            "type": "array", "items": { "type": "string" }, "default": [],
            "description": "Set by the section auth: PROVIDER:ID of those who see and may do everything."
        },
        "revoked_days": {
            "type": "integer", "minimum": 0, "maximum": 3650, "default": 30,
            "description": "How long a revoked key is remembered. After it the key is unknown."
        }
    }
});
/* clang-format on */

#define KEYS_PATH "/users/me/keys"

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = KEYS_PATH,
      .operation_id = "create_api_key",
      .summary = "Make an API key",
      .flags = EIN_ROUTE_ONCE | EIN_ROUTE_ONCE_SECRET,
      .auth = EIN_AUTH_USER,
      .body_schema = KEY_CREATE_SCHEMA,
      .reply_schema = KEY_MADE_SCHEMA,
      .scope = "admin:write",
      .status = 201,
      .handle = keys_create },
    { .method = "GET",
      .path = KEYS_PATH,
      .operation_id = "list_api_keys",
      .summary = "The caller's API keys, in order of creation",
      .auth = EIN_AUTH_USER,
      .query_schema = PAGE_QUERY_SCHEMA,
      .reply_schema = KEY_LIST_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = keys_list },
    { .method = "GET",
      .path = KEYS_PATH "/{key_id}",
      .operation_id = "get_api_key",
      .summary = "One of the caller's API keys",
      .auth = EIN_AUTH_USER,
      .reply_schema = KEY_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = keys_get },
    { .method = "GET",
      .path = "/users/me/key",
      .operation_id = "get_calling_api_key",
      .summary = "The API key that asks: what it may, and what is left of its budget",
      .auth = EIN_AUTH_USER,
      .reply_schema = KEY_SCHEMA,
      .scope = "models:read",
      .status = 200,
      .handle = keys_get_calling },
    { .method = "PUT",
      .path = KEYS_PATH "/{key_id}",
      .operation_id = "update_api_key",
      .summary = "Change the name or the limits of an API key",
      .auth = EIN_AUTH_USER,
      .body_schema = KEY_UPDATE_SCHEMA,
      .reply_schema = KEY_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = keys_update },
    { .method = "DELETE",
      .path = KEYS_PATH "/{key_id}",
      .operation_id = "revoke_api_key",
      .summary = "Revoke an API key and those that it made",
      .auth = EIN_AUTH_USER,
      .scope = "admin:write",
      .status = 204,
      .handle = keys_delete },
    { .method = "GET",
      .path = "/admin/keys",
      .operation_id = "list_all_api_keys",
      .summary = "Everybody's API keys, or a user's, in order of creation",
      .auth = EIN_AUTH_ADMIN,
      .query_schema = ANY_KEY_QUERY_SCHEMA,
      .reply_schema = ANY_KEY_LIST_SCHEMA,
      .scope = "admin:read",
      .status = 200,
      .handle = keys_list_any },
    { .method = "DELETE",
      .path = "/admin/users/{user_id}/keys",
      .operation_id = "revoke_users_api_keys",
      .summary = "Revoke all API keys of a user",
      .auth = EIN_AUTH_ADMIN,
      .reply_schema = REVOKED_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = keys_delete_users },
    { .method = "DELETE",
      .path = "/admin/keys/{key_id}",
      .operation_id = "revoke_any_api_key",
      .summary = "Revoke anybody's API key and those that it made",
      .auth = EIN_AUTH_ADMIN,
      .scope = "admin:write",
      .status = 204,
      .handle = keys_delete_any },
};

static const struct ein_auth_provider provider = { .struct_size = sizeof(provider),
                                                   .verify = key_verify,
                                                   .still = key_still };

static void fini(void *self)
{
    struct api_keys *keys = self;

    key_cache_free(keys->cache);
    free(keys);
}

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct api_keys *keys = calloc(1, sizeof(*keys));
    int r;

    if (!keys)
        return error_no_memory(err);
    keys->host = host;
    keys->ctx = ctx;
    keys->keys_per_user = setting_of(config, "keys_per_user");
    keys->cache_ms = setting_of(config, "cache_ms");
    keys->recheck_ms = setting_of(config, "recheck_ms");
    keys->max_life_ms = integer_of(config, "max_days") * DAY_MS;
    keys->unconfirmed_ms = integer_of(config, "unconfirmed_hours") * HOUR_MS;
    keys->revoked_ms = integer_of(config, "revoked_days") * DAY_MS;
    keys->site_admins = json_object_get(config, "site_admins");
    keys->cache = key_cache_new((size_t)integer_of(config, "cache_keys"));

    r = keys->cache ? EIN_ADD_ROUTES(host, ctx, routes, keys, err) : error_no_memory(err);
    if (r >= 0)
        r = host->publish(ctx, EIN_AUTH_PROVIDER, "api_key", &provider, keys, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_API_KEYS, "api_key", &limits_service, keys, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "api-keys", &keys_erasure, keys, err);
    return init_done(r, keys, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct api_keys *keys = self;
    const struct ein_store *store = keys->host->store;
    int r = store->index(keys->ctx, KEY_SET, "userId,revoked", err);

    if (r >= 0 && keys->host->every(keys->ctx, SWEEP_MS, keys_sweep, self) < 0)
        r = error_no_memory(err);
    return r;
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "auth-api-key",
    .version = "0.1.0",
    .summary = "Programs that call as the user who gave them a key",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
