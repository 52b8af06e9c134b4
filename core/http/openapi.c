/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "router.h"
#include "schema.h"
#include <stdio.h>
#include <string.h>

struct openapi {
    struct router *router;
    char *version;
    pthread_mutex_t lock;
    json_t *document;      /* guarded by lock; NULL: not made yet */
    uint64_t made_version; /* guarded by lock: the router's, when it was made */
};

static const char error_ref[] = "#/components/schemas/Error";
static const char validation_ref[] = "#/components/schemas/HTTPValidationError";

/* FastAPI's component of that name, and the shape of every other error. */
static const char components[] =
    "{\"schemas\":{"
    "\"Error\":{\"type\":\"object\",\"title\":\"Error\",\"required\":[\"detail\"],"
    "\"properties\":{\"detail\":{\"title\":\"Detail\"}}},"
    "\"HTTPValidationError\":{\"type\":\"object\",\"title\":\"HTTPValidationError\",\"properties\":"
    "{"
    "\"detail\":{\"type\":\"array\",\"title\":\"Detail\","
    "\"items\":{\"$ref\":\"#/components/schemas/ValidationError\"}}}},"
    "\"ValidationError\":{\"type\":\"object\",\"title\":\"ValidationError\","
    "\"required\":[\"loc\",\"msg\",\"type\"],\"properties\":{"
    "\"loc\":{\"type\":\"array\",\"title\":\"Location\","
    "\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}},"
    "\"msg\":{\"type\":\"string\",\"title\":\"Message\"},"
    "\"type\":{\"type\":\"string\",\"title\":\"Error Type\"}}}},"
    "\"securitySchemes\":{"
    "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"gofannon_sid\"},"
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
    "\"adminPassword\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Admin-Password\"}}}";

/* ---- one operation ---- */

/* {"description": TEXT, "content": {"a/b": {"schema": ...}, "c/d": {"schema": {}}}}: TYPES are a
 * list with commas, NULL for no content. */
static json_t *described(const char *text, const char *types, json_t *take_schema)
{
    EIN_JSON json_t *schema = take_schema;
    json_t *all = json_pack("{s:s}", "description", text), *content;

    if (!types)
        return all;
    content = json_object();
    for (const char *at = types; *at; at += strspn(at, ", ")) {
        size_t len = strcspn(at, ",");

        (void)json_object_setn_new(
            content, at, len,
            json_pack("{s:o}", "schema", at == types ? json_incref(schema) : json_object()));
        at += len;
    }
    (void)json_object_set_new(all, "content", content);
    return all;
}

static json_t *reference(const char *to)
{
    return json_pack("{s:s}", "$ref", to);
}

static void add_path_params(const char *path, json_t *params)
{
    for (const char *at = path; (at = strchr(at, '{')); at++) {
        size_t len = strcspn(at + 1, ":}");

        (void)json_array_append_new(params, json_pack("{s:s%, s:s, s:b, s:{s:s}}", "name", at + 1,
                                                      len, "in", "path", "required", 1, "schema",
                                                      "type", "string"));
    }
}

static void add_query_params(const struct schema *query, json_t *params)
{
    const json_t *schema = query ? schema_json(query) : NULL;
    const char *name;
    json_t *property;

    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        json_t *param =
            json_pack("{s:s, s:s, s:b, s:O}", "name", name, "in", "query", "required",
                      list_has(json_object_get(schema, "required"), name), "schema", property);
        json_t *description = json_object_get(property, "description");

        if (description)
            (void)json_object_set(param, "description", description);
        (void)json_array_append_new(params, param);
    }
}

static const char idempotency_key[] =
    "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,"
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255},"
    "\"description\":\"The same request again gets the same answer, and does nothing\"}";

static const char if_none_match[] =
    "{\"name\":\"If-None-Match\",\"in\":\"header\",\"required\":false,"
    "\"schema\":{\"type\":\"string\"},"
    "\"description\":\"304 if the reply is still one of these ETags\"}";

static json_t *parameters(const struct route *route)
{
    json_t *params = json_array();

    add_path_params(route->spec.path, params);
    add_query_params(route->query, params);
    if (route->spec.flags & (EIN_ROUTE_ONCE | EIN_ROUTE_ONCE_OWN))
        (void)json_array_append_new(params, json_loads(idempotency_key, 0, NULL));
    if (route->spec.flags & EIN_ROUTE_ETAG)
        (void)json_array_append_new(params, json_loads(if_none_match, 0, NULL));
    return params;
}

static json_t *request_body(const struct route *route)
{
    json_t *schema = json_deep_copy(schema_json(route->body));

    return json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", "application/json", "schema",
                     schema);
}

/* What an error of this route looks like; NULL: one of no special route. */
static json_t *error_reply(const struct route *route, const char *text)
{
    return described(text, "application/json",
                     route && route->error ? json_deep_copy(schema_json(route->error))
                                           : reference(error_ref));
}

static void add_errors(const struct route *route, int32_t auth, json_t *all)
{
    if (auth == EIN_AUTH_USER || auth == EIN_AUTH_ADMIN) {
        (void)json_object_set_new(all, "401", error_reply(route, "Not authenticated"));
        (void)json_object_set_new(all, "403", error_reply(route, "Not allowed"));
    }
    (void)json_object_set_new(all, "default", error_reply(route, "Error"));
}

/* A list of what does not fit the schemas; or a sentence on what no schema says. */
static json_t *invalid_reply(void)
{
    return described(
        "Validation Error", "application/json",
        json_pack("{s:[o, o]}", "anyOf", reference(validation_ref), reference(error_ref)));
}

static json_t *responses(const struct route *route)
{
    const struct ein_route *spec = &route->spec;
    const char *type = spec->reply_type ? spec->reply_type : "application/json";
    int status = spec->status ? spec->status : 200;
    json_t *all = json_object();
    char code[16];

    (void)snprintf(code, sizeof(code), "%d", status);
    (void)json_object_set_new(
        all, code,
        described("Successful Response", status == 204 ? NULL : type,
                  route->reply ? json_deep_copy(schema_json(route->reply)) : json_object()));
    if (spec->flags & EIN_ROUTE_ETAG)
        (void)json_object_set_new(all, "304", described("Not Modified", NULL, NULL));
    if ((route->body || route->query) && !route->error)
        (void)json_object_set_new(all, "422", invalid_reply());
    add_errors(route, spec->auth, all);
    return all;
}

/* One of them is enough; an empty one means that none is. */
static json_t *security(int32_t auth)
{
    switch (auth) {
    case EIN_AUTH_OPTIONAL:
        return json_pack("[{s:[]}, {s:[]}, {}]", "session", "bearer");
    case EIN_AUTH_USER:
        return json_pack("[{s:[]}, {s:[]}]", "session", "bearer");
    case EIN_AUTH_ADMIN:
        return json_pack("[{s:[]}, {s:[]}, {s:[]}]", "adminPassword", "session", "bearer");
    default:
        return json_array();
    }
}

static json_t *operation(const struct route *route)
{
    const struct ein_route *spec = &route->spec;
    json_t *object =
        json_pack("{s:s, s:[s]}", "operationId", spec->operation_id, "tags", route->owner.name);
    json_t *params = parameters(route);

    if (spec->summary)
        (void)json_object_set_new(object, "summary", json_string(spec->summary));
    if (json_array_size(params) > 0)
        (void)json_object_set(object, "parameters", params);
    json_decref(params);
    if (route->body)
        (void)json_object_set_new(object, "requestBody", request_body(route));
    (void)json_object_set_new(object, "responses", responses(route));
    (void)json_object_set_new(object, "security", security(spec->auth));
    return object;
}

int openapi_complete(json_t *operation)
{
    EIN_JSON json_t *errors = json_object();
    json_t *all = json_object_get(operation, "responses");

    add_errors(NULL, EIN_AUTH_USER, errors);
    if (!all && json_object_set_new(operation, "responses", all = json_object()) < 0)
        return EIN_E_NO_MEMORY;
    if (json_object_update_missing(all, errors) < 0)
        return EIN_E_NO_MEMORY;
    if (json_object_get(operation, "security"))
        return 0;
    return json_object_set_new(operation, "security", security(EIN_AUTH_USER)) < 0 ? EIN_E_NO_MEMORY
                                                                                   : 0;
}

/* ---- the document ---- */

/* "{key:path}" is "{key}" in OpenAPI. */
static void plain_path(const char *path, char *out)
{
    while (*path) {
        if (*path == ':' && strncmp(path, ":path}", 6) == 0)
            path += 5;
        *out++ = *path++;
    }
    *out = '\0';
}

static int add_route(const struct route *route, void *data)
{
    json_t *paths = data, *item;
    EIN_FREE char *path = malloc(strlen(route->spec.path) + 1);
    EIN_FREE char *method = strdup(route->spec.method);

    if (route_place(route) != ROUTE_API)
        return 0;
    if (!path || !method)
        return EIN_E_NO_MEMORY;
    plain_path(route->spec.path, path);
    for (char *at = method; *at; at++)
        *at |= 0x20; /* capitals only */
    item = json_object_get(paths, path);
    if (!item) {
        item = json_object();
        if (json_object_set_new(paths, path, item) < 0)
            return EIN_E_NO_MEMORY;
    }
    return json_object_set_new(item, method, operation(route)) < 0 ? EIN_E_NO_MEMORY : 0;
}

static json_t *make(const struct openapi *openapi)
{
    EIN_JSON json_t *paths = json_object();

    if (!paths || router_each(openapi->router, add_route, paths) < 0)
        return NULL;
    return json_pack("{s:s, s:{s:s, s:s}, s:O, s:o}", "openapi", "3.1.0", "info", "title", "einion",
                     "version", openapi->version, "paths", paths, "components",
                     json_loads(components, 0, NULL));
}

int openapi_new(struct router *router, const char *version, struct openapi **ret_openapi)
{
    struct openapi *openapi = calloc(1, sizeof(*openapi));

    if (!openapi)
        return EIN_E_NO_MEMORY;
    openapi->router = router;
    openapi->version = strdup(version);
    if (!openapi->version) {
        free(openapi);
        return EIN_E_NO_MEMORY;
    }
    (void)pthread_mutex_init(&openapi->lock, NULL);
    *ret_openapi = openapi;
    return 0;
}

void openapi_free(struct openapi *openapi)
{
    if (!openapi)
        return;
    json_decref(openapi->document);
    (void)pthread_mutex_destroy(&openapi->lock);
    free(openapi->version);
    free(openapi);
}

int openapi_document(struct openapi *openapi, json_t **ret_document, struct ein_error *err)
{
    uint64_t version = router_version(openapi->router);

    EIN_LOCKED(&openapi->lock);
    if (!openapi->document || openapi->made_version != version) {
        json_t *document = make(openapi);

        if (!document)
            return error_no_memory(err);
        json_decref(openapi->document);
        openapi->document = document;
        openapi->made_version = version;
    }
    *ret_document = json_incref(openapi->document);
    return 0;
}
