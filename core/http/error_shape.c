/* SPDX-License-Identifier: Apache-2.0 */
#include "error_shape.h"
#include "http_inside.h"
#include "request.h"
#include "services.h"
#include <einion/services.h>
#include <string.h>

struct shaping {
    struct ein_req *req;
    int *status;
    const json_t *detail;
    json_t *body;
};

static bool is_below(const struct ein_req *req, const char *path)
{
    size_t len = strlen(path);

    return req->path_len >= len && memcmp(req->path, path, len) == 0 &&
           (req->path_len == len || req->path[len] == '/');
}

static int shape(const struct ein_service *service, void *data)
{
    const struct ein_error_shape *with = service->vtable;
    struct shaping *shaping = data;

    if (!is_below(shaping->req, with->path))
        return 0;
    shaping->body = with->shape(service->impl, shaping->req, shaping->status, shaping->detail);
    return shaping->body != NULL;
}

json_t *error_shape(struct ein_req *req, int *status, const json_t *detail)
{
    struct shaping shaping = { .req = req, .status = status, .detail = detail };

    if (req->is_shaped) /* one that fails a request while it shapes how that one has failed */
        return NULL;
    req->is_shaped = true;
    (void)services_each(req->http->services, EIN_ERROR_SHAPE, shape, &shaping);
    req->is_shaped = false;
    return shaping.body;
}
