/* SPDX-License-Identifier: Apache-2.0 */
/* disk-quota: how much each user, and each workspace, may keep.
 *
 *   GET /disk-quota   what one keeps, of which sets of documents, and how much it may be;
 *                     ?workspaceId= for a workspace, and for site admins ?userId=
 *   PUT /admin/users/{id}/disk-quota, /admin/workspaces/{id}/disk-quota
 *                     {"maxMib": 2048}: for this one another than the setting, 0 for as much as
 *                     they like, null for the setting again
 *
 * What counts is what plugins publish as keeps/1: agents and their versions, data, chats, demos,
 * sessions, responses, deployments.  Who writes more is refused (507), and nothing of theirs is
 * lost; what is deleted makes room at once, or within a second.
 *
 * Publishes disk_quota/1.  What an owner keeps is counted in the store when they first write, and
 * when it seems to be too much; in between what they write is added to it.  So it costs a write
 * nothing; where several servers write for one owner at once, each may let through what is left,
 * until it counts again.
 *
 * Needs storage_backend/1.  Asks audit/1 when a quota is changed.
 *
 * Settings
 *   max_mib     what each may keep, in MiB; 0: as much as they like (1024)
 *   recount_s   how long a count is good for (3600)
 *
 * Example
 *   plugins:
 *     disk-quota:
 *       max_mib: 200
 */
#include "quota.h"

#include "init.h"
#include "ownership.h"
#include "schemas.h"

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "max_mib": {"type": "integer", "minimum": 0, "maximum": 1048576, "default": 1024,
                "description": "What each user and each workspace may keep, in MiB; 0: as much as they like."},
    "recount_s": {"type": "integer", "minimum": 1, "maximum": 86400, "default": 3600,
                  "description": "How long what they keep is taken from a count and what was written since."}
}});

#define KEPT_SCHEMA SCHEMA({"type": "object", "title": "DiskQuota",                                \
    "required": ["usedBytes", "maxBytes", "sets"],                                                 \
    "properties": {                                                                                \
        "usedBytes": {"type": "integer", "minimum": 0},                                            \
        "maxBytes": {"type": ["integer", "null"], "minimum": 0,                                    \
                     "description": "null: there is no limit"},                                    \
        "sets": {"type": "object", "additionalProperties": {"type": "integer"},                    \
                 "description": "bytes of each set of documents, when they were last counted"}}})

#define MAX_SCHEMA SCHEMA({"type": "object", "required": ["maxMib"], "properties": {               \
    "maxMib": {"type": ["integer", "null"], "minimum": 0, "maximum": 1048576}}})
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/disk-quota",
      .operation_id = "get_disk_quota",
      .summary = "What one keeps, and how much it may be",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .reply_schema = KEPT_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = quota_get },
    { .method = "PUT",
      .path = "/admin/users/{user_id}/disk-quota",
      .operation_id = "set_disk_quota_of_user",
      .summary = "Change how much a user may keep",
      .auth = EIN_AUTH_ADMIN,
      .body_schema = MAX_SCHEMA,
      .reply_schema = KEPT_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = quota_put },
    { .method = "PUT",
      .path = "/admin/workspaces/{workspace_id}/disk-quota",
      .operation_id = "set_disk_quota_of_workspace",
      .summary = "Change how much a workspace may keep",
      .auth = EIN_AUTH_ADMIN,
      .body_schema = MAX_SCHEMA,
      .reply_schema = KEPT_SCHEMA,
      .scope = "admin:write",
      .status = 200,
      .handle = quota_put },
};

/* What they kept is counted anew, and what they may keep is nobody's. */
static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    *ret_count = 0;
    return quota_set(impl, uid, json_null(), err);
}

static const struct ein_erasure erasure = { .struct_size = sizeof(erasure), .erase = erase };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct quota *quota;
    int r = quota_new(host, ctx, config, &quota, err);

    if (r < 0)
        return r;
    r = EIN_ADD_ROUTES(host, ctx, routes, quota, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_DISK_QUOTA, "disk-quota", &quota_service, quota, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "disk-quota", &erasure, quota, err);
    return init_done(r, quota, quota_free, ret_self);
}

/* A backend of an older ABI cannot say how much there is: better now than when somebody writes. */
static int start(void *self, struct ein_error *err)
{
    const struct quota *quota = self;
    uint64_t bytes;

    return quota->host->store->weigh(quota->ctx, QUOTA_SET, NULL, &bytes, err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "disk-quota",
    .version = "0.1.0",
    .summary = "How much each user and each workspace may keep",
    .needs = needs,
    .config_schema = config_schema,
    .init = init,
    .start = start,
    .fini = quota_free,
};
EIN_PLUGIN_EXPORT(plugin)
