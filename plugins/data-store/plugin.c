/* SPDX-License-Identifier: Apache-2.0 */
/* data-store: what agents keep from run to run, and the routes to look at it.
 *
 * A record is a JSON value under a key in a namespace of one user, or of one workspace.  All of a
 * user's agents see what is the user's, nobody else's do.  The routes take ?workspaceId= for what
 * belongs to a workspace (members read, its admins change), and from site admins ?userId=; they
 * under /data-store/namespaces list, read, write and delete records; a record's revision is its
 * ETag, and If-Match or `_rev` guard a write. Lists take ?limit= and ?cursor= and answer with a
 * Link to the next page.
 *
 * Publishes data_store/1 for the runtimes: get, set, delete, list_keys, list_namespaces,
 * get_all, get_many, set_many and clear, each with its line of the opsLog.  What an agent
 * sets is on disk when set() returns; what get and get_many change (who read last, when and how
 * often) is written once, at the end of the run.  get_all and the lists change nothing.
 *
 * Needs storage_backend/1.  Publishes keeps/1, and asks disk_quota/1 before a write.
 *
 * Settings
 *   max_value_bytes   the longest JSON text of one value (8388608)
 *   max_many_bytes    of all that get_all() and get_many() give at once (33554432)
 *   max_many_memory   that these take in memory: many short values take up to a hundred times
 *                     their text (268435456)
 *
 * Example
 *   plugins:
 *     data-store:
 *       max_value_bytes: 1048576
 */
#include "data_store.h"
#include "erase.h"
#include "http_json.h"
#include "init.h"
#include "member.h"
#include "namespaces.h"
#include "ownership.h"
#include "records.h"
#include "session.h"

#include <stdlib.h>

static const char config_schema[] = SCHEMA({
    "type" : "object",
    "properties" : {
        "max_value_bytes" : {
            "type" : "integer",
            "minimum" : 1,
            "default" : 8388608,
            "description" : "How long the JSON text of one value may be."
        },
        "max_many_bytes" : {
            "type" : "integer",
            "minimum" : 1,
            "maximum" : 1073741824,
            "default" : 33554432,
            "description" : "How long all values may be that an agent is given at once."
        },
        "max_many_memory" : {
            "type" : "integer",
            "minimum" : 1,
            "maximum" : 4294967296,
            "default" : 268435456,
            "description" : "How many bytes of memory they may take."
        }
    }
});

#define WHOSE_PAGE_QUERY_SCHEMA                                                                    \
    "{\"type\":\"object\",\"properties\":{" PAGE_PROPERTIES "," WHOSE_PROPERTIES "}}"
#define RECORDS_PATH "/data-store/namespaces/{namespace}/records"

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/data-store/namespaces",
      .operation_id = "list_data_store_namespaces",
      .summary = "The namespaces, with what they hold",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_PAGE_QUERY_SCHEMA,
      .reply_schema = NAMESPACES_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = namespaces_list },
    { .method = "GET",
      .path = "/data-store/namespaces/{namespace}",
      .operation_id = "get_data_store_namespace",
      .summary = "What one namespace holds",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .reply_schema = NAMESPACE_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = namespace_get },
    { .method = "DELETE",
      .path = "/data-store/namespaces/{namespace}",
      .operation_id = "clear_data_store_namespace",
      .summary = "Delete all records of a namespace",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .reply_schema = CLEARED_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = namespace_delete },
    { .method = "GET",
      .path = RECORDS_PATH,
      .operation_id = "list_data_store_records",
      .summary = "The records of a namespace, in order of creation",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_PAGE_QUERY_SCHEMA,
      .reply_schema = RECORDS_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = records_list },
    { .method = "GET",
      .path = RECORDS_PATH "/{key:path}",
      .operation_id = "get_data_store_record",
      .summary = "One record; its key may hold slashes",
      .flags = EIN_ROUTE_ETAG,
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .reply_schema = RECORD_SCHEMA,
      .scope = "agents:read",
      .status = 200,
      .handle = record_get_one },
    { .method = "PUT",
      .path = RECORDS_PATH "/{key:path}",
      .operation_id = "put_data_store_record",
      .summary = "Set a value; metadata are merged with what is there",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .body_schema = RECORD_PUT_SCHEMA,
      .reply_schema = RECORD_SCHEMA,
      .scope = "agents:write",
      .status = 200,
      .handle = record_put_one },
    { .method = "DELETE",
      .path = RECORDS_PATH "/{key:path}",
      .operation_id = "delete_data_store_record",
      .summary = "Delete one record",
      .auth = EIN_AUTH_USER,
      .query_schema = WHOSE_QUERY_SCHEMA,
      .scope = "agents:write",
      .status = 204,
      .handle = record_delete_one },
};

static const char *const kept[] = { DATA_STORE_SET, "userId", NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int erase(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err)
{
    const struct data_store *store = impl;

    *ret_count = 0;
    return erase_docs(store->host, store->ctx, DATA_STORE_SET, "userId", uid, ret_count, err);
}

static const struct ein_erasure erasure = { .struct_size = sizeof(erasure), .erase = erase };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct data_store *store = calloc(1, sizeof(*store));

    if (!store)
        return error_no_memory(err);
    store->host = host;
    store->ctx = ctx;
    store->value_max = (size_t)integer_of(config, "max_value_bytes");
    store->many_max = (size_t)integer_of(config, "max_many_bytes");
    store->memory_max = (size_t)integer_of(config, "max_many_memory");

    int r = EIN_ADD_ROUTES(host, ctx, routes, store, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_DATA_STORE, "data-store", &data_store_service, store, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, store, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "data-store", &erasure, store, err);
    return init_done(r, store, free, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    const struct data_store *store = self;
    const struct ein_store *docs = store->host->store;

    return docs->index(store->ctx, DATA_STORE_SET, "userId,namespace", err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "data-store",
    .version = "0.1.0",
    .summary = "Records that agents keep, and the routes to look at them",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .fini = free,
};
EIN_PLUGIN_EXPORT(plugin)
