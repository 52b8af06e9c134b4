/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins agents and deployments where HTTP alone cannot take them: several users, and
 * documents that are damaged. */
#include "cleanup.h"
#include "fake_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define ALICE "dev_stub:alice"
#define BOB   "dev_stub:bob"

enum { ROUTES_MAX = 32 };

struct fixture {
    struct fake_host *host;
    struct fake_plugin *storage, *agents, *deployments;
};

/* The routes of the plugins under test, by operation_id. */
static struct {
    const struct ein_route *route;
    void *self;
} routes[ROUTES_MAX];
static size_t route_count;

struct ein_req {
    const char *param; /* the one in the path */
    struct ein_identity identity;
    json_t *query, *body;
    int status;
    json_t *reply;
};

static int take_routes(struct ein_ctx *ctx, const struct ein_route *added, size_t count,
                       size_t stride, void *self, struct ein_error *err)
{
    assert_int_equal(stride, sizeof(*added));
    for (size_t i = 0; i < count; i++) {
        assert_true(route_count < ROUTES_MAX);
        routes[route_count].route = &added[i];
        routes[route_count++].self = self;
    }
    return 0;
}

static const char *req_param(const struct ein_req *req, const char *name)
{
    return req->param;
}

static const char *req_header(const struct ein_req *req, const char *name)
{
    return NULL;
}

static const json_t *req_query(const struct ein_req *req)
{
    return req->query;
}

static const json_t *req_body(const struct ein_req *req)
{
    return req->body;
}

static const struct ein_identity *req_identity(const struct ein_req *req)
{
    return &req->identity;
}

static struct ein_cancel *req_cancel(struct ein_req *req)
{
    return NULL;
}

static void req_log(const struct ein_req *req, int level, const char *fmt, ...) {}

static int req_reply(struct ein_req *req, int status, json_t *take_body)
{
    json_decref(req->reply);
    req->reply = take_body;
    return req->status = status;
}

static int req_reply_bytes(struct ein_req *req, int status, const char *type, const void *data,
                           size_t len)
{
    assert_string_equal(type, "application/json");
    return req_reply(req, status, json_loadb(data, len, 0, NULL));
}

static int req_fail(struct ein_req *req, int status, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return req_reply(req, status, json_string(text));
}

static int req_fail_json(struct ein_req *req, int status, json_t *take_detail)
{
    return req_reply(req, status, take_detail);
}

static int req_fail_error(struct ein_req *req, const struct ein_error *err)
{
    return req_fail(req, err->code == EIN_E_NOT_FOUND ? 404 : 500, "%s", err->text);
}

static int req_set_header(struct ein_req *req, const char *name, const char *value)
{
    return 0;
}

/* Nobody is in a workspace here: tests/http/test_owners.py has those. */
static int req_may(const struct ein_req *req, const json_t *doc, struct ein_error *err)
{
    const char *maker = json_string_value(json_object_get(doc, "userId"));

    err->code = EIN_E_NOT_FOUND;
    return maker && strcmp(maker, req->identity.uid) == 0 ? 0 : EIN_E_NOT_FOUND;
}

static json_t *req_visible(const struct ein_req *req)
{
    return json_pack("{s:s}", "userId", req->identity.uid);
}

static const char *req_id(const struct ein_req *req)
{
    return "r-1";
}

static const struct ein_http http = {
    .struct_size = sizeof(http),
    .add_routes = take_routes,
    .path_param = req_param,
    .header = req_header,
    .query = req_query,
    .body = req_body,
    .identity = req_identity,
    .request_id = req_id,
    .cancel = req_cancel,
    .log_msg = req_log,
    .reply = req_reply,
    .reply_bytes = req_reply_bytes,
    .fail = req_fail,
    .fail_json = req_fail_json,
    .fail_error = req_fail_error,
    .set_header = req_set_header,
    .may = req_may,
    .visible = req_visible,
};

static int open_started(struct fake_host *host, const char *name, struct fake_plugin **ret_plugin)
{
    struct ein_error err = { 0 };

    if (fake_plugin_open(host, name, json_object(), ret_plugin, &err) >= 0 &&
        fake_plugin_start(*ret_plugin, &err) >= 0)
        return 0;
    print_error("%s: %s\n", name, err.text);
    return -1;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    route_count = 0;
    f->host = fake_host_new();
    f->host->table.http = &http;
    return open_started(f->host, "storage-memory", &f->storage) < 0 ||
                   open_started(f->host, "agents", &f->agents) < 0 ||
                   open_started(f->host, "deployments", &f->deployments) < 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    fake_plugin_close(f->deployments);
    fake_plugin_close(f->agents);
    fake_plugin_close(f->storage);
    fake_host_free(f->host);
    free(f);
    return 0;
}

/* Makes a call as UID; returns its status, and its reply in *ret_reply (may be NULL). */
static int call(const char *uid, const char *operation, const char *param, json_t *take_body,
                json_t **ret_reply)
{
    EIN_JSON json_t *query = json_object();
    EIN_JSON json_t *body = take_body;
    struct ein_req req = { .param = param,
                           .identity = { .struct_size = sizeof(req.identity), .uid = uid },
                           .query = query,
                           .body = body };
    size_t i = 0;

    while (i < route_count && strcmp(routes[i].route->operation_id, operation) != 0)
        i++;
    assert_true(i < route_count);
    int returned = routes[i].route->handle(&req, routes[i].self);
    assert_int_equal(returned, req.status);
    if (ret_reply)
        *ret_reply = req.reply;
    else
        json_decref(req.reply);
    return req.status;
}

/* The id of a new agent of UID; free(). */
static char *make_agent(const char *uid, const char *friendly_name)
{
    json_t *agent = NULL;
    int status = call(uid, "create_agent", NULL,
                      json_pack("{s:s, s:s, s:s, s:s, s:{}, s:[], s:[], s:[]}", "name", "n",
                                "description", "d", "code", "pass", "friendlyName", friendly_name,
                                "tools", "swaggerSpecs", "gofannonAgents", "dataStoreConfig"),
                      &agent);

    assert_int_equal(status, 201);
    assert_null(json_object_get(agent, "userId"));
    char *id = strdup(json_string_value(json_object_get(agent, "_id")));
    json_decref(agent);
    return id;
}

static size_t listed(const char *uid, const char *operation)
{
    EIN_JSON json_t *list = NULL;

    assert_int_equal(call(uid, operation, NULL, NULL, &list), 200);
    return json_array_size(list);
}

static void what_belongs_to_others_cannot_be_seen_or_touched(void **state)
{
    EIN_FREE char *id = make_agent(ALICE, "served");
    static const char *const operations[] = { "get_agent", "update_agent", "delete_agent",
                                              "deploy_agent", "get_agent_deployment" };

    assert_int_equal(call(ALICE, "deploy_agent", id, NULL, NULL), 201);
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        assert_int_equal(call(BOB, operations[i], id, json_object(), NULL), 404);
    assert_int_equal(listed(BOB, "list_agents"), 0);
    assert_int_equal(listed(BOB, "list_deployments"), 0);
    assert_int_equal(call(BOB, "call_deployed_agent", "served", NULL, NULL), 404);

    EIN_JSON json_t *chain = NULL;
    assert_int_equal(call(BOB, "get_agent_chain", id, NULL, &chain), 200);
    assert_true(json_is_true(
        json_object_get(json_object_get(json_object_get(chain, "nodes"), id), "missing")));

    assert_int_equal(call(BOB, "undeploy_agent", id, NULL, NULL), 204);
    assert_int_equal(listed(ALICE, "list_agents"), 1);
    assert_int_equal(listed(ALICE, "list_deployments"), 1);
}

static void a_name_that_another_user_serves_is_taken(void **state)
{
    EIN_FREE char *first = make_agent(ALICE, "served");
    EIN_FREE char *second = make_agent(BOB, "served");

    assert_int_equal(call(ALICE, "deploy_agent", first, NULL, NULL), 201);
    assert_int_equal(call(BOB, "deploy_agent", second, NULL, NULL), 409);
    assert_int_equal(call(ALICE, "delete_agent", first, NULL, NULL), 204);
    assert_int_equal(call(BOB, "deploy_agent", second, NULL, NULL), 201);
}

static void a_deployment_without_its_agent_breaks_no_list_and_holds_no_name(void **state)
{
    struct fixture *f = *state;
    const struct ein_store *store = f->host->table.store;
    EIN_FREE char *id = make_agent(ALICE, "served");
    EIN_JSON json_t *orphan = json_pack("{s:s, s:s}", "agentId", "gone", "userId", ALICE);

    assert_int_equal(store->put(fake_host_ctx(f->host), "deployments", "served", EIN_REV_NEW,
                                orphan, NULL, NULL),
                     0);
    assert_int_equal(listed(ALICE, "list_deployments"), 0);
    assert_int_equal(call(ALICE, "call_deployed_agent", "served", NULL, NULL), 404);
    assert_int_equal(call(ALICE, "deploy_agent", id, NULL, NULL), 201);
    assert_int_equal(listed(ALICE, "list_deployments"), 1);
}

static void documents_with_members_missing_break_no_list(void **state)
{
    struct fixture *f = *state;
    const struct ein_store *store = f->host->table.store;
    EIN_FREE char *id = make_agent(ALICE, "served");
    EIN_JSON json_t *bare = json_pack("{s:s}", "userId", ALICE);

    assert_int_equal(call(ALICE, "deploy_agent", id, NULL, NULL), 201);
    assert_int_equal(
        store->put(fake_host_ctx(f->host), "deployments", "bare", EIN_REV_NEW, bare, NULL, NULL),
        0);
    assert_int_equal(
        store->put(fake_host_ctx(f->host), "agents", "bare", EIN_REV_NEW, bare, NULL, NULL), 0);
    assert_int_equal(listed(ALICE, "list_deployments"), 1);
    assert_int_equal(listed(ALICE, "list_agents"), 2);
    assert_int_equal(call(ALICE, "call_deployed_agent", "bare", NULL, NULL), 404);
    assert_int_equal(call(ALICE, "get_agent_chain", "bare", NULL, NULL), 200);

    EIN_FREE char *heir = make_agent(ALICE, "bare");
    assert_int_equal(call(ALICE, "deploy_agent", heir, NULL, NULL), 201);
    assert_int_equal(listed(ALICE, "list_deployments"), 2);
}

static void a_call_without_a_runtime_fails_and_says_so(void **state)
{
    EIN_FREE char *id = make_agent(ALICE, "served");
    EIN_JSON json_t *reply = NULL;

    assert_int_equal(call(ALICE, "deploy_agent", id, NULL, NULL), 201);
    assert_int_equal(call(ALICE, "call_deployed_agent", "served", NULL, &reply), 500);
    assert_string_equal(json_string_value(reply),
                        "Agents cannot be run: the server has no agent runtime.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_belongs_to_others_cannot_be_seen_or_touched),
        TEST(a_name_that_another_user_serves_is_taken),
        TEST(a_deployment_without_its_agent_breaks_no_list_and_holds_no_name),
        TEST(documents_with_members_missing_break_no_list),
        TEST(a_call_without_a_runtime_fails_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
