/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request target: the router and the query parser. */
#include "fixture.h"
#include "str.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int answer(struct ein_req *req, void *self)
{
    (void)self;
    return reply_json(req, 200, json_object());
}

static const struct ein_route routes[] = {
    { .method = "GET", .path = "/", .operation_id = "root", .handle = answer },
    { .method = "GET", .path = "/agents/{id}", .operation_id = "agent", .handle = answer },
    { .method = "GET", .path = "/agents/{id}/chain", .operation_id = "chain", .handle = answer },
    { .method = "POST", .path = "/agents/run", .operation_id = "run", .handle = answer },
    { .method = "GET", .path = "/files/{key:path}", .operation_id = "file", .handle = answer },
    { .method = "GET", .path = "/{a}/{b}/{c}", .operation_id = "three", .handle = answer },
};

/* What the handlers are given must be text. */
static void check(const struct ein_req *req)
{
    const char *key;
    json_t *value;

    for (size_t i = 0; i < req->params.count; i++) {
        const char *param = req->params.items[i].value;

        if (!param || !str_is_utf8(param, strlen(param)))
            abort();
    }
    json_object_foreach((json_t *)request_query(req), key,
                        value) if (!str_is_utf8(key, strlen(key)) || !json_is_string(value))
        abort();
    if (req->reply.status == 0 || (req->reply.status >= 500 && req->reply.status != 503))
        abort();
}

static struct fixture *make_fixture(void)
{
    struct fixture *it = fixture_with(NULL);
    const struct route_owner owner = { .name = "fuzz", .gate = &it->gate };

    if (router_add(http_router(it->http), &owner, routes, sizeof(routes) / sizeof(routes[0]),
                   sizeof(routes[0]), NULL, NULL) < 0)
        abort();
    return it;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture *it; /* one for all inputs */
    char *target = strndup((const char *)data, size);
    struct ein_req *req;

    if (!it)
        it = make_fixture();
    req = fixture_begin(it, "GET", target, HEADERS("Host", "localhost", "Cookie", target));
    pipeline_run(req);
    check(req);
    (void)request_cookie(req, "sid");
    request_done(req);
    free(target);
    return 0;
}
