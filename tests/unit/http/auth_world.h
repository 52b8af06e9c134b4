/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fixture.h"
#include <einion/services.h>

/* A pipeline with one auth_provider/1 that takes "Bearer right" and, if it is to, one audit/1 that
 * counts; "Bearer another" is left to somebody else.  Requests go the whole way. */
struct auth_world {
    struct fixture *fixture;
    struct gate gate;
    json_t *events; /* that the audit was given */
    const char *scopes[4];
    const char *reason; /* what a refusal says in WWW-Authenticate; NULL: nothing */
    bool is_admin;
};

static inline int world_verify(void *impl, struct ein_req *req, json_t **ret_claims,
                               struct ein_error *err)
{
    const struct auth_world *world = impl;
    const char *given = request_header(req, "Authorization");
    json_t *scopes;

    if (!given || strcmp(given, "Bearer another") == 0 || strcmp(given, "bearer null") == 0)
        return EIN_AUTH_DEFER;
    if (strcmp(given, "Bearer right") != 0) {
        if (world->reason)
            (void)reply_set_header(req, "WWW-Authenticate", world->reason);
        err->code = EIN_E_DENIED;
        (void)strcpy(err->text, "wrong key");
        return EIN_E_DENIED;
    }
    *ret_claims =
        json_pack("{s:s, s:s, s:b}", "uid", "u", "proof", "api_key", "admin", world->is_admin);
    if (!world->scopes[0])
        return 0;
    scopes = json_array();
    for (size_t i = 0; world->scopes[i]; i++)
        (void)json_array_append_new(scopes, json_string(world->scopes[i]));
    return json_object_set_new(*ret_claims, "scopes", scopes);
}

static const struct ein_auth_provider world_provider = {
    .struct_size = sizeof(world_provider),
    .verify = world_verify,
};

static inline int world_append(void *impl, json_t *take_event, struct ein_error *err)
{
    struct auth_world *world = impl;

    return json_array_append_new(world->events, take_event);
}

static const struct ein_audit world_audit = {
    .struct_size = sizeof(world_audit),
    .append = world_append,
};

static inline int world_answer(struct ein_req *req, void *self)
{
    return reply_json(req, 200, json_object());
}

static inline int world_deny(struct ein_req *req, void *self)
{
    return reply_fail(req, 403, "no");
}

static inline struct auth_world *world_new(const json_t *http_changes, const char *admin_password,
                                           bool audited)
{
#define WORLD_ROUTE(...)                                                                           \
    {                                                                                              \
        .method = "GET", .handle = world_answer, __VA_ARGS__                                       \
    }
    static const struct ein_route routes[] = {
        WORLD_ROUTE(.path = "/user", .operation_id = "user", .auth = EIN_AUTH_USER),
        WORLD_ROUTE(.path = "/open", .operation_id = "open", .auth = EIN_AUTH_OPTIONAL),
        WORLD_ROUTE(.path = "/admin", .operation_id = "admin", .auth = EIN_AUTH_ADMIN),
        WORLD_ROUTE(.path = "/read", .operation_id = "read", .auth = EIN_AUTH_USER,
                    .scope = "agents:read"),
        { .method = "GET", .path = "/deny", .operation_id = "deny", .handle = world_deny },
    };
    struct auth_world *world = calloc(1, sizeof(*world));
    EIN_JSON json_t *limits = section_with("limits", NULL);
    EIN_JSON json_t *http = section_with("http", http_changes);
    const struct settings_from from = { .limits = limits,
                                        .http = http,
                                        .admin_password = admin_password };
    struct ein_error err;

    world->fixture = fixture_with(NULL);
    world->events = json_array();
    gate_init(&world->gate);
    gate_open(&world->gate);
    assert_int_equal(http_reload(world->fixture->http, &from, &err), 0);
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        assert_int_equal(fixture_add(world->fixture, &routes[i], world, &err), 0);
    assert_int_equal(services_publish(world->fixture->services, &world->gate, EIN_AUTH_PROVIDER,
                                      "keys", &world_provider, world, &err),
                     0);
    if (audited)
        assert_int_equal(services_publish(world->fixture->services, &world->gate, EIN_AUDIT,
                                          "audit", &world_audit, world, &err),
                         0);
    return world;
}

static inline void world_free(struct auth_world *world)
{
    services_withdraw(world->fixture->services, &world->gate);
    services_forget(world->fixture->services, &world->gate);
    fixture_free(world->fixture);
    json_decref(world->events);
    free(world);
}

/* The status of GET PATH; ret_challenge and ret_retry are NUL-ended copies, or NULL. */
static inline int world_get(struct auth_world *world, const char *path, const char *const *headers,
                            char ret_challenge[128], char ret_retry[32])
{
    struct ein_req *req = fixture_begin(world->fixture, "GET", path, headers);
    const char *challenge, *retry;
    int status;

    pipeline_run(req);
    status = req->reply.status;
    challenge = reply_header(req, "WWW-Authenticate");
    retry = reply_header(req, "Retry-After");
    if (ret_challenge)
        (void)snprintf(ret_challenge, 128, "%s", challenge ? challenge : "");
    if (ret_retry)
        (void)snprintf(ret_retry, 32, "%s", retry ? retry : "");
    request_done(req);
    return status;
}

#define RIGHT HEADERS("Authorization", "Bearer right")
#define WRONG HEADERS("Authorization", "Bearer wrong")
