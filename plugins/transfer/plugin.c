/* SPDX-License-Identifier: Apache-2.0 */
/* transfer: everything that a store holds, into a file and out of it, what it holds of one user,
 * and what the service that einion stands in for has kept.
 *
 *   GET /users/me/export               what is kept of the caller, as lines of JSON
 *   GET /admin/users/{user_id}/export  the same of anybody
 *
 * Publishes transfer/1, which the commands export and import call.
 *
 * An export is a file of JSON lines with every document, in the order in which they were made, as
 * all of them were at one moment (storage_backend/1's stand_still()).
 * Secrets in it are sealed: they are opened by the vault's key, which is not in it.  An import
 * writes nothing over: what is there stays as it is, and the report says so.  Run again, it
 * changes nothing.  A file that is not whole, or not what was written, is not begun.
 *
 * The old service's data come from a folder of files COLLECTION.json, which are what its CouchDB
 * answers to _all_docs?include_docs=true, or from that CouchDB, by its URL.  Each document is
 * checked; what cannot be brought is left out, and the report says why.  Keys in it are sealed in
 * the vault.  Agents and demos had no owner there: they go to `owner`, and to `workspace` if it is
 * set.
 *
 * What is kept of one user is what erasure/1 of all plugins deletes and what their calls have cost:
 * what keeps/1 tells of, and what takeout.c names.  It has no secrets, no hashes of them, no
 * tokens, and nothing of workspaces but their personal one and what they have run and asked in
 * others.  audit/1 hears of each.
 *
 * Needs storage_backend/1 and vault/1.
 *
 * Settings
 *   owner       whose agents and demos are that say nothing of it (local-dev-user)
 *   workspace   whose members see them, too; "": none ("")
 *   left_out    sets that are in no export: of logins (auth_sessions, auth_states, auth_keys)
 *   file_bytes  the longest file, or page, of the old service's data (1073741824)
 *   page        documents that its database is asked for at once (500)
 *
 * Example
 *   plugins:
 *     transfer:
 *       owner: "google:1234567890"
 *       workspace: "project:tomcat"
 */
#include "cleanup.h"
#include "init.h"
#include "schemas.h"
#include "transfer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

/* clang-format off */
static const char config_schema[] = SCHEMA({"type": "object", "properties": {
    "owner": {"type": "string", "minLength": 1, "maxLength": 380, "default": "local-dev-user",
              "description": "Whose agents and demos are that say nothing of it."},
    "workspace": {"type": "string", "maxLength": 256, "default": "",
                  "description": "Whose members see them, too; empty: none."},
    "left_out": {"type": "array", "items": {"type": "string"},
                 "default": ["auth_sessions", "auth_states", "auth_keys"],
                 "description": "Sets that are in no export: who is logged in, and the key of logins."},
    "file_bytes": {"type": "integer", "minimum": 1024, "default": 1073741824,
                   "description": "The longest file, or page, of the old service's data."},
    "page": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 500,
             "description": "Documents that its database is asked for at once."}
}});
/* clang-format on */

static const struct ein_route routes[] = {
    { .flags = EIN_ROUTE_EVENTS,
      .method = "GET",
      .path = "/users/me/export",
      .operation_id = "export_me",
      .summary = "All that is kept of the caller, as lines of JSON; no secrets",
      .auth = EIN_AUTH_USER,
      .reply_type = "application/x-ndjson",
      .scope = "admin:read",
      .handle = takeout_mine },
    { .flags = EIN_ROUTE_EVENTS,
      .method = "GET",
      .path = "/admin/users/{user_id}/export",
      .operation_id = "export_user",
      .summary = "All that is kept of a user, as lines of JSON; no secrets",
      .auth = EIN_AUTH_ADMIN,
      .reply_type = "application/x-ndjson",
      .scope = "admin:read",
      .handle = takeout_anyones },
};

static int export_to(void *impl, const char *path, json_t **ret_report, struct ein_error *err)
{
    EIN_JSON json_t *report = json_array();
    int r = lines_export(impl, path, report, err);

    if (r >= 0)
        *ret_report = EIN_TAKE(report);
    return r;
}

static bool is_old(const char *source)
{
    struct stat of;

    return strncasecmp(source, "http://", 7) == 0 || strncasecmp(source, "https://", 8) == 0 ||
           (stat(source, &of) == 0 && S_ISDIR(of.st_mode));
}

static int import_from(void *impl, const char *source, json_t **ret_report, struct ein_error *err)
{
    EIN_JSON json_t *report = json_array();
    int r = is_old(source) ? old_import(impl, source, report, err)
                           : lines_import(impl, source, report, err);

    if (r >= 0)
        *ret_report = EIN_TAKE(report);
    return r;
}

static const struct ein_transfer service = {
    .struct_size = sizeof(service),
    .export_to = export_to,
    .import_from = import_from,
};

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    int r;

    if (!transfer)
        return error_no_memory(err);
    transfer->host = host;
    transfer->ctx = ctx;
    transfer->owner = text_of(config, "owner");
    transfer->workspace = text_of(config, "workspace");
    transfer->left_out = json_object_get(config, "left_out");
    transfer->file_max = (size_t)json_number_value(json_object_get(config, "file_bytes"));
    transfer->page = (uint32_t)json_number_value(json_object_get(config, "page"));
    r = host->publish(ctx, EIN_TRANSFER, "transfer", &service, transfer, err);
    if (r >= 0)
        r = EIN_ADD_ROUTES(host, ctx, routes, transfer, err);
    return init_done(r, transfer, free, ret_self);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, EIN_VAULT, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "transfer",
    .version = "0.1.0",
    .summary = "Everything, from store to store, and from the service before",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
