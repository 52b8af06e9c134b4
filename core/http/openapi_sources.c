/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins add to the OpenAPI document beyond their routes. */
#include "cleanup.h"
#include "error.h"
#include "http_inside.h"
#include "log.h"
#include "openapi.h"
#include "request.h"
#include "services.h"
#include <einion/services.h>

struct extending {
    struct ein_req *req;
    json_t *paths; /* all that were added; NULL: none were */
};

static json_t *item_of(json_t *paths, const char *path)
{
    json_t *item = json_object_get(paths, path);

    if (item)
        return item;
    item = json_object();
    return json_object_set_new(paths, path, item) < 0 ? NULL : item;
}

/* The operations of one path. */
static int add_item(json_t *paths, const char *path, const json_t *operations)
{
    json_t *item = item_of(paths, path);
    const char *method;
    json_t *operation;

    if (!item)
        return EIN_E_NO_MEMORY;
    json_object_foreach((json_t *)operations, method, operation)
    {
        json_t *own = json_object_get(item, method) ? NULL : json_deep_copy(operation);

        if (own && (openapi_complete(own) < 0 || json_object_set(item, method, own) < 0)) {
            json_decref(own);
            return EIN_E_NO_MEMORY;
        }
        json_decref(own);
    }
    return 0;
}

static int add_paths(struct extending *extending, const json_t *added)
{
    const char *path;
    json_t *operations;
    int r = 0;

    if (json_object_size(added) == 0)
        return 0;
    if (!extending->paths)
        extending->paths = json_object();
    json_object_foreach((json_t *)added, path, operations)
    {
        if (r == 0)
            r = add_item(extending->paths, path, operations);
    }
    return extending->paths ? r : EIN_E_NO_MEMORY;
}

/* Are these {path: {method: operation}}?  NULL is none. */
static bool are_paths(const json_t *added)
{
    const char *path, *method;
    const json_t *operations, *operation;

    if (added && !json_is_object(added))
        return false;
    json_object_foreach((json_t *)added, path, operations)
    {
        if (path[0] != '/' || !json_is_object(operations))
            return false;
        json_object_foreach((json_t *)operations, method, operation)
        {
            if (!json_is_object(operation))
                return false;
        }
    }
    return true;
}

static int ask(const struct ein_service *service, void *data)
{
    const struct ein_openapi_source *source = service->vtable;
    struct extending *extending = data;
    EIN_JSON json_t *added = NULL;
    struct ein_error err = { 0 };

    int r = error_due(&err, source->paths(service->impl, extending->req, &added, &err));
    if (r >= 0 && !are_paths(added))
        r = error_set(&err, EIN_E_INVALID, "they are not {path: {method: operation}}");
    if (r >= 0)
        return add_paths(extending, added);
    log_write(extending->req->http->log, EIN_WARN, "server", extending->req->id,
              "operations of %s left out of the OpenAPI document: %s", service->name, err.text);
    return 0;
}

/* A path that is in the document keeps what it has; the copies are as shallow as can be. */
static json_t *merge(const json_t *document, const json_t *added)
{
    EIN_JSON json_t *whole = json_copy((json_t *)document);
    EIN_JSON json_t *paths = json_copy(json_object_get(document, "paths"));
    const char *path;
    json_t *item;

    json_object_foreach((json_t *)added, path, item)
    {
        EIN_JSON json_t *both = json_copy(json_object_get(paths, path));

        if (both && json_object_update_missing(both, item) < 0)
            return NULL;
        if (json_object_set(paths, path, both ? both : item) < 0)
            return NULL;
    }
    return json_object_set(whole, "paths", paths) < 0 ? NULL : EIN_TAKE(whole);
}

int openapi_extend(struct ein_req *req, json_t *document, json_t **ret_document,
                   struct ein_error *err)
{
    struct extending extending = { .req = req };
    int r = services_each(req->http->services, EIN_OPENAPI_SOURCE, ask, &extending);
    EIN_JSON json_t *added = extending.paths;
    json_t *whole = NULL;

    if (r >= 0)
        whole = added ? merge(document, added) : json_incref(document);
    if (!whole)
        return error_no_memory(err);
    *ret_document = whole;
    return 0;
}
