/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_source/1: an operation for each deployed agent that the caller can call. */
#include "agent_doc.h"
#include "cleanup.h"
#include "deployments.h"
#include "error.h"
#include "field_schema.h"
#include "http_json.h"
#include "percent.h"
#include "schemas.h"
#include "scopes.h"
#include "served.h"
#include "str.h"
#include <stdio.h>
#include <string.h>

enum { SUMMARY_MAX = 120, ID_SIZE = 240 };

/* clang-format off */
static const char parameters[] = SCHEMA([
    {
        "name": "detach", "in": "query", "required": false,
        "schema": {"type": "boolean"},
        "description": "The run goes on when its client leaves"
    },
    {
        "name": "Idempotency-Key", "in": "header", "required": false,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "The same request again gets the same answer, and runs nothing"
    }
]);

static const char failures[] = SCHEMA({
    "404": {
        "description": "Not deployed",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    },
    "429": {
        "description": "Too many runs",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    },
    "500": {
        "description": "The agent failed",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    }
});
/* clang-format on */

struct collecting {
    const struct deployments *self;
    struct ein_req *req;
    json_t *paths, *ids; /* ids: those that are taken */
};

/* ---- one operation ---- */

/* Letters, digits and "_" of NAME; names that are alike then are numbered. */
static void make_id(const struct collecting *collecting, const char *name, char ret_id[ID_SIZE])
{
    int len = snprintf(ret_id, ID_SIZE - 20, "call_%s", name);

    for (char *c = ret_id; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", *c))
            *c = '_';
    if (len > ID_SIZE - 21)
        len = ID_SIZE - 21;
    for (int n = 2; json_object_get(collecting->ids, ret_id); n++)
        (void)snprintf(ret_id + len, 20, "_%d", n);
    (void)json_object_set_new(collecting->ids, ret_id, json_true());
}

/* The first line of a description, which may be long. */
static json_t *summary_of(const char *description, const char *name)
{
    size_t len = description ? strcspn(description, "\r\n") : 0;

    if (len == 0)
        return json_sprintf("Run %s", name);
    if (len > SUMMARY_MAX)
        len = (size_t)str_cut(description, SUMMARY_MAX);
    return json_stringn(description, len);
}

static json_t *responses_of(const json_t *agent)
{
    json_t *all = json_loads(failures, 0, NULL);
    json_t *ok = json_pack("{s:s, s:{s:{s:o}, s:{s:{s:s}}}}", "description",
                           "What the agent returned", "content", "application/json", "schema",
                           field_schema(json_object_get(agent, "outputSchema"), true),
                           "text/event-stream", "schema", "type", "string");

    if (json_object_set_new(all, "200", ok) < 0) {
        json_decref(all);
        return NULL;
    }
    return all;
}

static json_t *operation_of(struct collecting *collecting, const char *name,
                            const struct served *served)
{
    const char *description = json_string_value(json_object_get(served->agent, "description"));
    const char *scope = served_scope(served->settings);
    char id[ID_SIZE];

    make_id(collecting, name, id);
    return json_pack("{s:s, s:[s], s:o, s:s, s:o, s:{s:b, s:{s:{s:o}}}, s:o, s:s*}", "operationId",
                     id, "tags", "deployments", "summary", summary_of(description, name),
                     "description", description ? description : "", "parameters",
                     json_loads(parameters, 0, NULL), "requestBody", "required", 0, "content",
                     "application/json", "schema",
                     field_schema(json_object_get(served->agent, "inputSchema"), false),
                     "responses", responses_of(served->agent), "x-einion-scope", scope);
}

/* ---- all of them ---- */

static int add(struct collecting *collecting, const char *name, const struct served *served)
{
    EIN_FREE char *quoted = percent_encode(name, "");
    EIN_FREE char *path = NULL;
    EIN_JSON json_t *item = json_object();

    if (!quoted || asprintf(&path, "/rest/%s", quoted) < 0) {
        path = NULL;
        return EIN_E_NO_MEMORY;
    }
    if (json_object_set_new(item, "post", operation_of(collecting, name, served)) < 0 ||
        json_object_set(collecting->paths, path, item) < 0)
        return EIN_E_NO_MEMORY;
    return 0;
}

/* One that cannot be read, or that the caller cannot call, is left out. */
static int add_deployment(struct collecting *collecting, const json_t *deployment,
                          struct ein_error *err)
{
    const struct deployments *self = collecting->self;
    const char *name = json_string_value(json_object_get(deployment, "_id"));
    struct served served;
    struct ein_error own;

    if (served_get(self->host, self->ctx, collecting->req, name, &served, &own) < 0)
        return 0;
    int r = add(collecting, name, &served);
    served_done(&served);
    return r < 0 ? error_no_memory(err) : 0;
}

static int add_all(struct collecting *collecting, struct ein_error *err)
{
    const struct deployments *self = collecting->self;
    EIN_JSON json_t *where = self->host->http->visible(collecting->req);
    EIN_JSON json_t *found = NULL;
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .limit = self->openapi_max, .fields = ids_only
    };
    char *cursor = NULL;
    const json_t *deployment;
    size_t i;

    if (!where)
        return error_no_memory(err);
    int r = find_docs(self->host, self->ctx, DEPLOYMENT_SET, &query, &found, &cursor, err);
    self->host->mem_free(cursor);
    json_array_foreach(found, i, deployment)
    {
        if (r >= 0)
            r = add_deployment(collecting, deployment, err);
    }
    return r;
}

static int paths(void *impl, struct ein_req *req, json_t **ret_paths, struct ein_error *err)
{
    const struct deployments *self = impl;
    const struct ein_identity *identity = self->host->http->identity(req);
    EIN_JSON json_t *all = json_object();
    EIN_JSON json_t *ids = json_object();
    struct collecting collecting = { self, req, all, ids };
    int r = 0;

    if (!all || !ids)
        return error_no_memory(err);
    if (identity && self->openapi_max > 0 && scope_is_held(identity, "deployments:run"))
        r = add_all(&collecting, err);
    if (r >= 0)
        *ret_paths = EIN_TAKE(all);
    return r < 0 ? r : 0;
}

const struct ein_openapi_source deployments_openapi = {
    .struct_size = sizeof(deployments_openapi),
    .paths = paths,
};
