/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "openapi.h"

#define OBJECT                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]" \
    "}"
#define QUERY                                                                                      \
    "{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\",\"description\":\"How "  \
    "many\"},\"must\":{\"type\":\"string\"}},\"required\":[\"must\"]}"

static int answer(struct ein_req *req, void *self)
{
    return 200;
}

static const struct ein_route routes[] = {
    { .method = "GET",
      .path = "/things/{id}/files/{key:path}",
      .operation_id = "read",
      .summary = "Read it",
      .query_schema = QUERY,
      .reply_schema = OBJECT,
      .auth = EIN_AUTH_USER,
      .handle = answer },
    { .method = "POST",
      .path = "/things",
      .operation_id = "make",
      .body_schema = OBJECT,
      .status = 201,
      .auth = EIN_AUTH_ADMIN,
      .handle = answer },
    { .method = "DELETE",
      .path = "/things",
      .operation_id = "clear",
      .status = 204,
      .auth = EIN_AUTH_OPTIONAL,
      .handle = answer },
    { .method = "GET",
      .path = "/page",
      .operation_id = "page",
      .query_schema = "{\"type\":\"object\"}",
      .reply_schema = OBJECT,
      .reply_type = "application/json, text/csv",
      .error_schema = "{\"type\":\"array\"}",
      .handle = answer },
};

struct world {
    struct fixture *fixture;
    struct openapi *openapi;
    json_t *document;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct router *router;
    const struct route_owner owner = { .name = "shop", .gate = NULL };

    world->fixture = fixture_with(NULL);
    router = http_router(world->fixture->http);
    assert_int_equal(router_add(router, &owner, routes, sizeof(routes) / sizeof(routes[0]),
                                sizeof(routes[0]), NULL, NULL),
                     0);
    assert_int_equal(openapi_new(router, "1.2.3", &world->openapi), 0);
    assert_int_equal(openapi_document(world->openapi, &world->document, NULL), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    json_decref(world->document);
    openapi_free(world->openapi);
    fixture_free(world->fixture);
    free(world);
    return 0;
}

static const json_t *operation(const struct world *world, const char *path, const char *method)
{
    const json_t *item = json_object_get(json_object_get(world->document, "paths"), path);
    const json_t *found = json_object_get(item, method);

    assert_non_null(found);
    return found;
}

static void assert_json(const json_t *value, const char *text)
{
    EIN_JSON json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(wanted);
    if (!json_equal(value, wanted)) {
        char *got = json_dumps(value, JSON_ENCODE_ANY);

        fail_msg("%s is not %s", got, text);
    }
}

static void test_the_document_says_what_it_is(void **state)
{
    const struct world *world = *state;

    assert_json(json_object_get(world->document, "openapi"), "\"3.1.0\"");
    assert_json(json_object_get(world->document, "info"),
                "{\"title\":\"einion\",\"version\":\"1.2.3\"}");
    assert_int_equal(json_object_size(json_object_get(world->document, "paths")), 3);
}

static void test_parameters_come_from_the_path_and_the_query_schema(void **state)
{
    const json_t *it = operation(*state, "/things/{id}/files/{key}", "get");

    assert_json(
        json_object_get(it, "parameters"),
        "[{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}},"
        "{\"name\":\"key\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}},"
        "{\"name\":\"limit\",\"in\":\"query\",\"required\":false,\"description\":\"How many\","
        "\"schema\":{\"type\":\"integer\",\"description\":\"How many\"}},"
        "{\"name\":\"must\",\"in\":\"query\",\"required\":true,\"schema\":{\"type\":\"string\"}}]");
    assert_json(json_object_get(it, "operationId"), "\"read\"");
    assert_json(json_object_get(it, "summary"), "\"Read it\"");
    assert_json(json_object_get(it, "tags"), "[\"shop\"]");
}

static void test_a_body_and_its_validation_error_are_shown(void **state)
{
    const json_t *it = operation(*state, "/things", "post");
    const json_t *responses = json_object_get(it, "responses");

    assert_json(json_object_get(it, "requestBody"),
                "{\"required\":true,\"content\":{\"application/json\":{\"schema\":" OBJECT "}}}");
    assert_non_null(json_object_get(responses, "201"));
    assert_json(
        json_object_get(responses, "422"),
        "{\"description\":\"Validation Error\",\"content\":{\"application/json\":{\"schema\":"
        "{\"anyOf\":[{\"$ref\":\"#/components/schemas/HTTPValidationError\"},"
        "{\"$ref\":\"#/components/schemas/Error\"}]}}}}");
}

static void test_replies_have_their_status_type_and_schema(void **state)
{
    const json_t *read = operation(*state, "/things/{id}/files/{key}", "get");
    const json_t *clear = operation(*state, "/things", "delete");
    const json_t *page = operation(*state, "/page", "get");

    assert_json(json_object_get(json_object_get(read, "responses"), "200"),
                "{\"description\":\"Successful "
                "Response\",\"content\":{\"application/json\":{\"schema\":" OBJECT "}}}");
    assert_json(json_object_get(clear, "responses"),
                "{\"204\":{\"description\":\"Successful Response\"},\"default\":{\"description\":"
                "\"Error\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
                "\"#/components/schemas/Error\"}}}}}");
    assert_json(json_object_get(page, "responses"),
                "{\"200\":{\"description\":\"Successful Response\",\"content\":{"
                "\"application/json\":{\"schema\":" OBJECT "},\"text/csv\":{\"schema\":{}}}},"
                "\"default\":{\"description\":\"Error\",\"content\":{\"application/json\":"
                "{\"schema\":{\"type\":\"array\"}}}}}");
}

static void test_security_follows_the_auth_level(void **state)
{
    assert_json(json_object_get(operation(*state, "/things/{id}/files/{key}", "get"), "security"),
                "[{\"session\":[]},{\"bearer\":[]}]");
    assert_json(json_object_get(operation(*state, "/things", "post"), "security"),
                "[{\"adminPassword\":[]},{\"session\":[]},{\"bearer\":[]}]");
    assert_json(json_object_get(operation(*state, "/things", "delete"), "security"),
                "[{\"session\":[]},{\"bearer\":[]},{}]");
    assert_json(json_object_get(operation(*state, "/page", "get"), "security"), "[]");
}

/* What "#/a/b" points to. */
static const json_t *resolve(const json_t *document, const char *reference)
{
    char copy[256], *save = NULL;

    assert_int_equal(strncmp(reference, "#/", 2), 0);
    (void)snprintf(copy, sizeof(copy), "%s", reference + 2);
    for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save))
        document = json_object_get(document, part);
    return document;
}

static void check_references(const json_t *document, const json_t *at)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_string_value(json_object_get(at, "$ref")) &&
        !resolve(document, json_string_value(json_object_get(at, "$ref"))))
        fail_msg("%s points nowhere", json_string_value(json_object_get(at, "$ref")));
    json_object_foreach((json_t *)at, key, value) check_references(document, value);
    json_array_foreach(at, i, value) check_references(document, value);
}

static void test_every_reference_points_to_something(void **state)
{
    const struct world *world = *state;

    check_references(world->document, world->document);
    for (size_t i = 0; i < 3; i++) {
        static const char *const schemes[] = { "#/components/securitySchemes/session",
                                               "#/components/securitySchemes/bearer",
                                               "#/components/securitySchemes/adminPassword" };

        assert_non_null(resolve(world->document, schemes[i]));
    }
}

static void test_the_document_is_kept_until_the_routes_change(void **state)
{
    struct world *world = *state;
    const struct ein_route route = {
        .method = "PUT", .path = "/things", .operation_id = "put", .handle = answer
    };
    json_t *again, *after;

    assert_int_equal(openapi_document(world->openapi, &again, NULL), 0);
    assert_ptr_equal(again, world->document);
    json_decref(again);
    assert_int_equal(fixture_add(world->fixture, &route, NULL, NULL), 0);
    assert_int_equal(openapi_document(world->openapi, &after, NULL), 0);
    assert_ptr_not_equal(after, world->document);
    json_decref(world->document);
    world->document = after;
    (void)operation(world, "/things", "put");
    (void)operation(world, "/things", "post");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_document_says_what_it_is),
        TEST(test_parameters_come_from_the_path_and_the_query_schema),
        TEST(test_a_body_and_its_validation_error_are_shown),
        TEST(test_replies_have_their_status_type_and_schema),
        TEST(test_security_follows_the_auth_level),
        TEST(test_every_reference_points_to_something),
        TEST(test_the_document_is_kept_until_the_routes_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
