/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static long left; /* allocations of JSON until one fails */

static void *scarce(size_t size)
{
    return left-- == 0 ? NULL : malloc(size);
}

/* What the schemas promise a handler is there. */
static int handle(struct ein_req *req, void *self)
{
    assert_true(json_is_integer(json_object_get(request_body(req), "count")));
    assert_true(json_is_string(json_object_get(request_body(req), "name")));
    assert_true(json_is_integer(json_object_get(request_query(req), "limit")));
    return reply_bytes(req, 200, NULL, "", 0);
}

static int ask(struct fixture *it, const char *target, const char *body)
{
    struct ein_req *req = fixture_begin(it, "POST", target, HEADERS("Host", "localhost"));
    int status;

    req->head.body = body;
    req->head.body_len = strlen(body);
    pipeline_run(req);
    status = req->reply.status;
    request_done(req);
    return status;
}

static void nothing_unchecked_is_handled_for_want_of_memory(void **state)
{
    static const struct ein_route route = {
        .method = "POST",
        .path = "/things",
        .operation_id = "things",
        .auth = EIN_AUTH_NONE,
        .handle = handle,
        .query_schema = "{\"properties\": {\"limit\": {\"type\": \"integer\", \"default\": 7}}}",
        .body_schema = "{\"required\": [\"count\"], \"properties\": {"
                       "\"count\": {\"type\": \"integer\"},"
                       "\"name\": {\"type\": \"string\", \"default\": \"n\"}}}",
    };
    static const struct {
        const char *target, *body;
        int status;
    } cases[] = {
        { "/things?limit=3", "{\"count\": \"5\"}", 200 },
        { "/things", "{\"count\": 5}", 200 },
        { "/things?limit=x", "{\"count\": 5}", 422 },
        { "/things", "{\"count\": \"x\"}", 422 },
        { "/things", "null", 422 },
        { "/things", "", 422 },
    };
    struct fixture *it = fixture_with(NULL);
    struct ein_error err;

    assert_int_equal(fixture_add(it, &route, NULL, &err), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (long n = 0;; n++) {
            left = n;
            json_set_alloc_funcs(scarce, free);
            int status = ask(it, cases[i].target, cases[i].body);
            json_set_alloc_funcs(malloc, free);
            if (left >= 0) {
                assert_int_equal(status, cases[i].status);
                break;
            }
            assert_true(status >= 400 || cases[i].status == 200);
        }
    fixture_free(it);
}

/* An alert looks for status="5..". */
static void the_statuses_of_all_operations_are_told_apart(void **state)
{
    enum { OPERATIONS = 150 };
    static const int statuses[] = { 200, 201, 204, 304, 400, 401, 403, 404, 409, 422, 429, 500 };
    struct fixture *it = fixture_with(NULL);
    struct route_stats *stats[OPERATIONS];
    char names[OPERATIONS][16];
    struct ein_error err;
    EIN_FREE char *text = NULL;

    for (size_t i = 0; i < OPERATIONS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "operation_%zu", i);
        stats[i] = route_stats_new(it->metrics, names[i]);
        for (size_t k = 0; k < sizeof(statuses) / sizeof(statuses[0]); k++)
            route_stats_count(stats[i], statuses[k], 1);
    }
    assert_int_equal(metrics_text(it->metrics, &text, &err), 0);
    assert_non_null(strstr(text, "{operation=\"operation_149\",status=\"500\"} 1\n"));
    assert_null(strstr(text, "\"other\""));
    for (size_t i = 0; i < OPERATIONS; i++)
        route_stats_free(stats[i]);
    fixture_free(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_statuses_of_all_operations_are_told_apart),
        cmocka_unit_test(nothing_unchecked_is_handled_for_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
