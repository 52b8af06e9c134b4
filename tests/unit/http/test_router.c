/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"
#include "fixture.h"
#include "router.h"
#include <stdio.h>

struct world {
    struct metrics *metrics;
    struct router *router;
    struct gate one, two;
    struct arena arena;
    struct router_match match;
};

static int answer(struct ein_req *req, void *self)
{
    return 200;
}

static struct ein_route route(const char *method, const char *path, const char *id)
{
    return (
        struct ein_route){ .method = method, .path = path, .operation_id = id, .handle = answer };
}

static int add(struct world *world, struct gate *gate, const char *method, const char *path,
               const char *id, struct ein_error *err)
{
    const struct route_owner owner = { .name = gate == &world->one ? "one" : "two", .gate = gate };
    const struct ein_route it = route(method, path, id);

    return router_add(world->router, &owner, &it, 1, sizeof(it), world, err);
}

static int setup(void **state)
{
    static const struct ein_route routes[] = {
        { .method = "GET", .path = "/", .operation_id = "root", .handle = answer },
        { .method = "GET", .path = "/agents", .operation_id = "list", .handle = answer },
        { .method = "POST", .path = "/agents", .operation_id = "create", .handle = answer },
        { .method = "GET", .path = "/agents/{id}", .operation_id = "get", .handle = answer },
        { .method = "DELETE", .path = "/agents/{id}", .operation_id = "del", .handle = answer },
        { .method = "POST", .path = "/agents/run-code", .operation_id = "run", .handle = answer },
        { .method = "GET",
          .path = "/agents/{id}/chain",
          .operation_id = "chain",
          .handle = answer },
        { .method = "GET", .path = "/files/{key:path}", .operation_id = "file", .handle = answer },
        { .method = "GET", .path = "/files/{a}/meta", .operation_id = "meta", .handle = answer },
        { .method = "GET", .path = "/files/list", .operation_id = "files", .handle = answer },
    };
    struct world *world = calloc(1, sizeof(*world));
    const struct route_owner owner = { .name = "one", .gate = &world->one };

    gate_init(&world->one);
    gate_open(&world->one);
    gate_init(&world->two);
    gate_open(&world->two);
    arena_init(&world->arena, NULL, 0, 1 << 20);
    assert_int_equal(metrics_new(&world->metrics), 0);
    assert_int_equal(router_new(world->metrics, &world->router), 0);
    assert_int_equal(router_add(world->router, &owner, routes, sizeof(routes) / sizeof(routes[0]),
                                sizeof(routes[0]), NULL, NULL),
                     0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    arena_done(&world->arena);
    router_free(world->router);
    metrics_free(world->metrics);
    free(world);
    return 0;
}

static enum router_found look(struct world *world, const char *method, const char *path)
{
    enum router_found found = router_match(world->router, method, path, strlen(path), false,
                                           &world->arena, &world->match);

    if (found == ROUTER_MATCH)
        gate_leave(world->match.route->owner.gate);
    return found;
}

static void test_templates_match_literals_first_then_names_then_the_rest(void **state)
{
    static const struct {
        const char *method, *path, *id, *name, *value;
    } table[] = {
        { "GET", "/", "root", NULL, NULL },
        { "GET", "/agents", "list", NULL, NULL },
        { "HEAD", "/agents", "list", NULL, NULL },
        { "POST", "/agents", "create", NULL, NULL },
        { "GET", "/agents/a1", "get", "id", "a1" },
        { "GET", "/agents/run-code", "get", "id", "run-code" }, /* the literal is only POST */
        { "POST", "/agents/run-code", "run", NULL, NULL },
        { "GET", "/agents/run-code/chain", "chain", "id", "run-code" },
        { "GET", "/agents/%C3%A9/chain", "chain", "id", "\xc3\xa9" },
        { "GET", "/agents/a%2Fb", "get", "id", "a/b" },
        { "GET", "/agents/a%2Fb/chain", "chain", "id", "a/b" },
        { "GET", "/agents/..", "get", "id", ".." },
        { "GET", "/%61gents", "list", NULL, NULL },
        { "GET", "/files/list", "files", NULL, NULL },
        { "GET", "/files/list/", "file", "key", "list/" },
        { "GET", "/files/x", "file", "key", "x" },
        { "GET", "/files/x/meta", "meta", "a", "x" },
        { "GET", "/files/x/y/meta", "file", "key", "x/y/meta" },
        { "GET", "/files//x", "file", "key", "/x" },
        { "GET", "/files/a%2Fb%20c/%25", "file", "key", "a/b c/%" },
        { "GET",
          "/files/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/"
          "31/32/33/34/35",
          "file", "key",
          "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/"
          "33/34/35" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (look(world, table[i].method, table[i].path) != ROUTER_MATCH)
            fail_msg("%s %s has no match", table[i].method, table[i].path);
        assert_string_equal(world->match.route->spec.operation_id, table[i].id);
        assert_int_equal(world->match.params.count, table[i].name ? 1 : 0);
        if (table[i].name) {
            assert_string_equal(world->match.params.items[0].name, table[i].name);
            assert_string_equal(world->match.params.items[0].value, table[i].value);
        }
    }
}

static void test_what_does_not_match_says_how(void **state)
{
    static const struct {
        const char *method, *path;
        enum router_found found;
    } table[] = {
        { "GET", "/nope", ROUTER_NOT_FOUND },
        { "GET", "", ROUTER_NOT_FOUND },
        { "OPTIONS", "*", ROUTER_NOT_FOUND },
        { "GET", "agents", ROUTER_NOT_FOUND },
        { "GET", "//", ROUTER_NOT_FOUND },
        { "GET", "//agents", ROUTER_NOT_FOUND },
        { "GET", "/agents//chain", ROUTER_NOT_FOUND },
        { "GET", "/AGENTS", ROUTER_NOT_FOUND },
        { "GET", "/files", ROUTER_NOT_FOUND },
        { "GET", "/files/", ROUTER_NOT_FOUND },
        { "GET", "/agents/", ROUTER_SLASH },
        { "DELETE", "/agents/", ROUTER_SLASH },
        { "GET", "/agents/a/", ROUTER_SLASH },
        { "GET", "/agents//", ROUTER_NOT_FOUND },
        { "PUT", "/agents", ROUTER_BAD_METHOD },
        { "get", "/agents", ROUTER_BAD_METHOD },
        { "GET", "/agents/%", ROUTER_BAD_PATH },
        { "GET", "/agents/%4", ROUTER_BAD_PATH },
        { "GET", "/agents/%zz", ROUTER_BAD_PATH },
        { "GET", "/nope/%00", ROUTER_BAD_PATH },
        { "GET", "/agents/\xff", ROUTER_BAD_PATH },
        { "GET", "/agents/%C3/%A9", ROUTER_BAD_PATH },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (look(world, table[i].method, table[i].path) != table[i].found)
            fail_msg("%s %s", table[i].method, table[i].path);
}

static void test_allow_names_every_method_of_the_path(void **state)
{
    struct world *world = *state;

    assert_int_equal(look(world, "PATCH", "/agents/run-code"), ROUTER_BAD_METHOD);
    assert_non_null(strstr(world->match.allow, "POST"));
    assert_non_null(strstr(world->match.allow, "GET"));
    assert_non_null(strstr(world->match.allow, "HEAD"));
    assert_non_null(strstr(world->match.allow, "DELETE"));
}

static void test_a_route_that_is_taken_names_both_owners(void **state)
{
    struct world *world = *state;
    struct ein_error err = { 0 };

    assert_int_equal(add(world, &world->two, "GET", "/agents/{other}", "x", &err), EIN_E_CONFLICT);
    assert_non_null(strstr(err.text, "\"one\""));
    assert_non_null(strstr(err.text, "\"two\""));
    assert_int_equal(add(world, &world->two, "GET", "/elsewhere", "list", &err), EIN_E_CONFLICT);
    assert_non_null(strstr(err.text, "operation_id"));
    assert_int_equal(look(world, "GET", "/elsewhere"), ROUTER_NOT_FOUND);
}

static void test_all_routes_of_a_call_are_added_or_none(void **state)
{
    struct world *world = *state;
    const struct route_owner owner = { .name = "two", .gate = &world->two };
    const struct ein_route routes[] = { route("GET", "/good", "good"),
                                        route("GET", "/agents", "taken") };

    assert_int_equal(router_add(world->router, &owner, routes, 2, sizeof(routes[0]), NULL, NULL),
                     EIN_E_CONFLICT);
    assert_int_equal(look(world, "GET", "/good"), ROUTER_NOT_FOUND);
}

static void test_bad_routes_are_refused(void **state)
{
    static const struct ein_route bad[] = {
        { .method = "GET", .path = "x", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/x/", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/x//y", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/{}", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/{a", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/x{a}", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/{a:path}/y", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/{a:int}", .operation_id = "b", .handle = answer },
        { .method = "get", .path = "/x", .operation_id = "b", .handle = answer },
        { .method = NULL, .path = "/x", .operation_id = "b", .handle = answer },
        { .method = "GET", .path = "/x", .operation_id = "", .handle = answer },
        { .method = "GET", .path = "/x", .operation_id = "a b", .handle = answer },
        { .method = "GET", .path = "/x", .operation_id = "b", .handle = NULL },
        { .method = "GET", .path = "/x", .operation_id = "b", .handle = answer, .auth = 7 },
        { .method = "GET", .path = "/x", .operation_id = "b", .handle = answer, .status = 404 },
        { .method = "GET", .path = "/x", .operation_id = "b", .handle = answer, .flags = 1u << 23 },
        { .method = "GET",
          .path = "/x",
          .operation_id = "b",
          .handle = answer,
          .body_schema = "{" },
    };
    struct world *world = *state;
    const struct route_owner owner = { .name = "two", .gate = &world->two };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ein_error err = { 0 };

        assert_true(router_add(world->router, &owner, &bad[i], 1, sizeof(bad[i]), NULL, &err) < 0);
        assert_true(err.text[0] != '\0');
    }
    assert_int_equal(router_add(world->router, &owner, bad, 1, 8, NULL, NULL), EIN_E_INVALID);
}

/* Where a browser, and then where a script, that asks for PATH ends up. */
static void check_places(struct world *world, const char *method, const char *path,
                         const char *browser, const char *script, bool varies)
{
    for (int navigates = 0; navigates < 2; navigates++) {
        const char *id = navigates ? browser : script;
        enum router_found found;

        world->match = (struct router_match){ 0 };
        found = router_match(world->router, method, path, strlen(path), navigates, &world->arena,
                             &world->match);
        assert_int_equal(found == ROUTER_MATCH, id != NULL);
        assert_int_equal(world->match.varies, varies);
        if (found != ROUTER_MATCH)
            continue;
        assert_string_equal(world->match.route->spec.operation_id, id);
        gate_leave(world->match.route->owner.gate);
    }
}

static void test_pages_are_for_browsers_and_last_routes_for_what_nobody_has(void **state)
{
    struct world *world = *state;
    const struct route_owner owner = { .name = "two", .gate = &world->two };
    struct ein_route routes[] = { route("GET", "/agents", "page"),
                                  route("GET", "/{a:path}", "rest"),
                                  route("GET", "/agents/{x}/chain", "chain-page") };

    routes[0].flags = routes[2].flags = EIN_ROUTE_PAGE;
    routes[1].flags = EIN_ROUTE_LAST;
    assert_int_equal(router_add(world->router, &owner, routes, 3, sizeof(routes[0]), NULL, NULL),
                     0);
    check_places(world, "GET", "/agents", "page", "list", true);
    check_places(world, "HEAD", "/agents", "page", "list", true);
    check_places(world, "POST", "/agents", "create", "create", false);
    check_places(world, "GET", "/agents/1/chain", "chain-page", "chain", true);
    check_places(world, "GET", "/agents/1", "get", "get", false);
    check_places(world, "GET", "/nope/at/all", "rest", "rest", false);
    check_places(world, "GET", "/agents/1/nope", "rest", "rest", false);
    assert_string_equal(world->match.params.items[0].value, "agents/1/nope");
    assert_int_equal(look(world, "GET", "/agents/run-code/"), ROUTER_SLASH);
    assert_int_equal(look(world, "PUT", "/agents"), ROUTER_BAD_METHOD);
    assert_int_equal(look(world, "POST", "/nope"), ROUTER_NOT_FOUND);

    routes[0].method = "POST";
    assert_int_equal(router_add(world->router, &owner, routes, 1, sizeof(routes[0]), NULL, NULL),
                     EIN_E_INVALID);
}

static void test_unknown_low_flags_are_left_to_newer_hosts(void **state)
{
    struct world *world = *state;
    const struct route_owner owner = { .name = "two", .gate = &world->two };
    struct ein_route it = route("GET", "/new", "new");

    it.flags = 1u << 9;
    assert_int_equal(router_add(world->router, &owner, &it, 1, sizeof(it), NULL, NULL), 0);
}

static void test_an_older_headers_shorter_routes_are_read(void **state)
{
    struct world *world = *state;
    const struct route_owner owner = { .name = "two", .gate = &world->two };
    struct {
        struct ein_route route;
        uint64_t newer;
    } routes[2] = { { route("GET", "/n1", "n1"), 7 }, { route("GET", "/n2", "n2"), 7 } };

    assert_int_equal(
        router_add(world->router, &owner, &routes[0].route, 2, sizeof(routes[0]), NULL, NULL), 0);
    assert_int_equal(look(world, "GET", "/n2"), ROUTER_MATCH);
}

static void test_a_shut_owner_answers_that_it_is_and_a_removed_one_is_forgotten(void **state)
{
    struct world *world = *state;
    uint64_t version;

    assert_int_equal(add(world, &world->two, "GET", "/two", "two", NULL), 0);
    version = router_version(world->router);
    gate_shut(&world->two);
    assert_int_equal(look(world, "GET", "/two"), ROUTER_SHUT);
    assert_int_equal(look(world, "GET", "/agents"), ROUTER_MATCH);
    router_remove(world->router, &world->two);
    assert_int_equal(look(world, "GET", "/two"), ROUTER_NOT_FOUND);
    assert_int_equal(look(world, "GET", "/agents"), ROUTER_MATCH);
    assert_true(router_version(world->router) != version);
}

static void test_a_match_holds_the_gate(void **state)
{
    struct world *world = *state;

    assert_int_equal(
        router_match(world->router, "GET", "/agents", 7, false, &world->arena, &world->match),
        ROUTER_MATCH);
    assert_int_equal(gate_inside(&world->one), 1);
    gate_leave(&world->one);
}

/* Matches while another thread adds and removes. */
static void *match_always(void *data)
{
    struct world *world = data;
    struct arena arena;
    struct router_match match;
    size_t found = 0;

    for (int i = 0; i < 20000; i++) {
        arena_init(&arena, NULL, 0, 1 << 16);
        if (router_match(world->router, "GET", "/two/%41", 8, false, &arena, &match) ==
            ROUTER_MATCH) {
            found += strcmp(match.params.items[0].value, "A") == 0;
            gate_leave(match.route->owner.gate);
        }
        arena_done(&arena);
    }
    return (void *)found;
}

static void test_routes_come_and_go_while_requests_run(void **state)
{
    struct world *world = *state;
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_always, world), 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(add(world, &world->two, "GET", "/two/{x}", "two", NULL), 0);
        gate_shut(&world->two);
        assert_true(gate_drain(&world->two, 5000));
        router_remove(world->router, &world->two);
        gate_open(&world->two);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(gate_inside(&world->two), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_templates_match_literals_first_then_names_then_the_rest),
        TEST(test_what_does_not_match_says_how),
        TEST(test_allow_names_every_method_of_the_path),
        TEST(test_a_route_that_is_taken_names_both_owners),
        TEST(test_all_routes_of_a_call_are_added_or_none),
        TEST(test_bad_routes_are_refused),
        TEST(test_pages_are_for_browsers_and_last_routes_for_what_nobody_has),
        TEST(test_unknown_low_flags_are_left_to_newer_hosts),
        TEST(test_an_older_headers_shorter_routes_are_read),
        TEST(test_a_shut_owner_answers_that_it_is_and_a_removed_one_is_forgotten),
        TEST(test_a_match_holds_the_gate),
        TEST(test_routes_come_and_go_while_requests_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
