/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cleanup.h"
#include "gate.h"
#include "http_inside.h"
#include "log.h"
#include "metrics.h"
#include "pipeline.h"
#include "request.h"
#include "router.h"
#include "section.h"
#include "services.h"
#include "store.h"
#include "unit.h"
#include <string.h>

enum { FIXTURE_HEADERS = 16 };

/* A pipeline with no listener, and requests by hand. */
struct fixture {
    struct log *log;
    struct metrics *metrics;
    struct services *services;
    struct store *store;
    struct http *http;
    struct gate gate;
    struct ein_req req;
    char *names[FIXTURE_HEADERS], *values[FIXTURE_HEADERS];
    const char *client_addr; /* NULL: 127.0.0.1 */
};

/* Changes of the sections `limits` and `http`; either may be NULL. */
static inline struct fixture *fixture_of(const json_t *limit_changes, const json_t *http_changes)
{
    struct fixture *it = calloc(1, sizeof(*it));
    EIN_JSON json_t *limits = section_with("limits", limit_changes);
    EIN_JSON json_t *origins = json_pack("{s:[s]}", "origins", "http://Front.example:3000/");
    EIN_JSON json_t *http = section_with("http", origins);
    EIN_JSON json_t *log = json_pack("{s:s, s:s, s:s, s:b}", "level", "off", "format", "text", "to",
                                     "stderr", "access", 0);
    const struct settings_from from = { .limits = limits, .http = http, .no_login = true };
    struct ein_error err = { 0 };

    assert_non_null(it);
    if (http_changes)
        assert_int_equal(json_object_update(http, (json_t *)http_changes), 0);
    assert_int_equal(log_new(log, &it->log, &err), 0);
    assert_int_equal(metrics_new(&it->metrics), 0);
    assert_int_equal(services_new(&it->services), 0);
    assert_int_equal(store_new(it->services, NULL, &it->store), 0);
    const struct http_parts parts = { it->log, it->metrics, it->services, it->store };

    assert_int_equal(http_new(&parts, &from, &it->http, &err), 0);
    gate_init(&it->gate);
    gate_open(&it->gate);
    return it;
}

static inline struct fixture *fixture_with(const json_t *limit_changes)
{
    return fixture_of(limit_changes, NULL);
}

static inline void fixture_free(struct fixture *it)
{
    http_free(it->http);
    store_free(it->store);
    services_free(it->services);
    metrics_free(it->metrics);
    log_free(it->log);
    free(it);
}

/* headers: "name", "value", ..., NULL. */
static inline struct ein_req *fixture_begin(struct fixture *it, const char *method,
                                            const char *target, const char *const *headers)
{
    struct head head = { .method = method,
                         .target = target,
                         .version = "HTTP/1.0",
                         .client_addr = it->client_addr ? it->client_addr : "127.0.0.1",
                         .fd = -1,
                         .names = it->names,
                         .values = it->values };

    for (; headers && *headers; headers += 2, head.count++) {
        it->names[head.count] = (char *)headers[0];
        it->values[head.count] = (char *)headers[1];
    }
    request_init(&it->req, it->http, &head);
    return &it->req;
}

#define HEADERS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Adds one route that belongs to `it`. */
static inline int fixture_add(struct fixture *it, const struct ein_route *route, void *self,
                              struct ein_error *err)
{
    const struct route_owner owner = { .name = "one", .gate = &it->gate };

    return router_add(http_router(it->http), &owner, route, 1, sizeof(*route), self, err);
}
