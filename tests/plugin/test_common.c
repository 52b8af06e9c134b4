/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "clock.h"
#include "http_json.h"
#include "ids.h"
#include "key_limits.h"
#include "provider_config.h"
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A request that knows what a test put into it, and what was answered. */
struct ein_req {
    const char *if_match, *path;
    json_t *body, *query;
    char header[512];
    int status;
};

static const char *req_header(const struct ein_req *req, const char *name)
{
    return strcmp(name, "If-Match") == 0 ? req->if_match : NULL;
}

static const char *req_path(const struct ein_req *req)
{
    return req->path;
}

static const json_t *req_body(const struct ein_req *req)
{
    return req->body;
}

static const json_t *req_query(const struct ein_req *req)
{
    return req->query;
}

static int req_fail(struct ein_req *req, int status, const char *fmt, ...)
{
    return req->status = status;
}

static int req_set_header(struct ein_req *req, const char *name, const char *value)
{
    snprintf(req->header, sizeof(req->header), "%s: %s", name, value);
    return 0;
}

static int req_reply(struct ein_req *req, int status, json_t *take_body)
{
    json_decref(take_body);
    return req->status = status;
}

static const struct ein_http http = {
    .struct_size = sizeof(http),
    .header = req_header,
    .path = req_path,
    .body = req_body,
    .query = req_query,
    .fail = req_fail,
    .set_header = req_set_header,
    .reply = req_reply,
};

static int rev_answer(const char *if_match, const char *body, const char *rev)
{
    struct ein_req req = { .if_match = if_match, .body = body ? json_loads(body, 0, NULL) : NULL };
    int r = check_rev(&http, &req, rev);

    json_decref(req.body);
    return r;
}

static void a_write_without_a_revision_always_may(void **state)
{
    assert_int_equal(rev_answer(NULL, NULL, "3-a"), 0);
    assert_int_equal(rev_answer(NULL, "{}", NULL), 0);
    assert_int_equal(rev_answer(NULL, "{\"_rev\": null}", "3-a"), 0);
}

static void if_match_is_a_list_of_strong_tags(void **state)
{
    assert_int_equal(rev_answer("\"3-a\"", NULL, "3-a"), 0);
    assert_int_equal(rev_answer("\"2-b\", \"3-a\"", NULL, "3-a"), 0);
    assert_int_equal(rev_answer("*", NULL, "3-a"), 0);
    assert_int_equal(rev_answer("*", NULL, NULL), 412);
    assert_int_equal(rev_answer("\"3-a\"", NULL, NULL), 412);
    assert_int_equal(rev_answer("\"2-b\"", NULL, "3-a"), 412);
    assert_int_equal(rev_answer("W/\"3-a\"", NULL, "3-a"), 412);
    assert_int_equal(rev_answer("3-a", NULL, "3-a"), 412);
    assert_int_equal(rev_answer("\"3-a", NULL, "3-a"), 412);
}

static void a_stale_rev_in_the_body_is_a_conflict(void **state)
{
    assert_int_equal(rev_answer(NULL, "{\"_rev\": \"3-a\"}", "3-a"), 0);
    assert_int_equal(rev_answer(NULL, "{\"_rev\": \"2-b\"}", "3-a"), 409);
    assert_int_equal(rev_answer(NULL, "{\"_rev\": \"3-a\"}", NULL), 409);
}

static void a_reply_carries_its_revision_as_strong_etag(void **state)
{
    struct ein_req req = { 0 };

    assert_int_equal(reply_with_rev(&http, &req, 200, "3-a", json_object()), 200);
    assert_string_equal(req.header, "ETag: \"3-a\"");
}

static void the_next_page_is_linked_with_everything_encoded(void **state)
{
    struct ein_req req = { .path = "/a%2Fb/<x>", .query = json_pack("{s:i}", "limit", 7) };
    struct ein_query query = { .struct_size = sizeof(query) };

    page_read(&http, &req, &query);
    assert_int_equal(query.limit, 7);
    assert_null(query.cursor);

    assert_int_equal(page_link(&http, &req, NULL), 0);
    assert_string_equal(req.header, "");
    assert_int_equal(page_link(&http, &req, "a=/\xc3\xa9>"), 0);
    assert_string_equal(req.header,
                        "Link: </a%2Fb/%3Cx%3E?limit=7&cursor=a%3D%2F%C3%A9%3E>; rel=\"next\"");
    json_decref(req.query);
}

static json_t *config_fault(const char *model, const char *parameters)
{
    EIN_JSON json_t *loc = json_pack("[s]", "body");
    EIN_JSON json_t *config = json_pack("{s:s, s:s, s:o}", "provider", "anthropic", "model", model,
                                        "parameters", json_loads(parameters, 0, NULL));

    return provider_config_fault(config, loc, config);
}

static void parameters_that_exclude_each_other_are_a_fault(void **state)
{
    EIN_JSON json_t *fault =
        config_fault("claude-opus-4-6", "{\"temperature\": 1, \"top_p\": 0.5}");
    EIN_FREE char *text = json_dumps(fault, JSON_COMPACT);

    assert_string_equal(
        text, "{\"type\":\"value_error\",\"loc\":[\"body\"],\"msg\":\"Value error, Parameters "
              "'temperature' and 'top_p' are mutually exclusive for anthropic/claude-opus-4-6.\","
              "\"input\":{\"provider\":\"anthropic\",\"model\":\"claude-opus-4-6\","
              "\"parameters\":{\"temperature\":1,\"top_p\":0.5}},\"ctx\":{\"error\":{}}}");
}

static void one_of_them_or_an_unknown_model_is_none(void **state)
{
    assert_null(config_fault("claude-opus-4-6", "{\"temperature\": 1}"));
    assert_null(config_fault("claude-opus-4-6", "{\"temperature\": 1, \"top_p\": null}"));
    assert_null(config_fault("no-such-model", "{\"temperature\": 1, \"top_p\": 0.5}"));
}

static void times_are_utc_with_microseconds(void **state)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    char text[CLOCK_ISO_SIZE], later[CLOCK_ISO_SIZE];

    clock_iso(text);
    clock_iso(later);
    assert_int_equal(strlen(text), strlen(shape));
    for (size_t i = 0; shape[i]; i++)
        assert_true(shape[i] == 'd' ? isdigit((unsigned char)text[i]) : text[i] == shape[i]);
    assert_true(strcmp(text, later) <= 0);
}

static void ids_are_random_uuids(void **state)
{
    char a[UUID_SIZE], b[UUID_SIZE];

    uuid_make(a);
    uuid_make(b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_string_not_equal(a, b);
}

static void a_key_is_good_for_the_models_it_names(void **state)
{
    static const char *const allowed[][2] = {
        { "openai", "gpt-4o" }, { "openai", "gpt-4o-mini" }, { "gemini", "flash" },
        { "ollama", "" },       { "ollama", "llama/3" },
    };
    static const char *const refused[][2] = {
        { "gemini", "gpt-4o" },  { "openai", "gpt-4" },   { "openai", "flash" },
        { "gemini", "flash-2" }, { "gemini", "flas" },    { "open", "i/gpt-4o" },
        { "openaix", "gpt-4o" }, { "mistral", "gpt-4o" }, { "ollam", "llama" },
    };
    EIN_JSON json_t *limits =
        json_pack("{s:[s, s, s]}", "models", "openai/gpt-4o*", "gemini/flash", "ollama/*");
    EIN_JSON json_t *none = json_pack("{s:[]}", "models");
    EIN_JSON json_t *all = json_object();

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (!key_limits_allow(limits, allowed[i][0], allowed[i][1]))
            fail_msg("%s/%s", allowed[i][0], allowed[i][1]);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (key_limits_allow(limits, refused[i][0], refused[i][1]))
            fail_msg("%s/%s", refused[i][0], refused[i][1]);
    assert_false(key_limits_allow(none, "openai", "gpt-4o"));
    assert_true(key_limits_allow(all, "openai", "gpt-4o"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_without_a_revision_always_may),
        cmocka_unit_test(if_match_is_a_list_of_strong_tags),
        cmocka_unit_test(a_stale_rev_in_the_body_is_a_conflict),
        cmocka_unit_test(a_reply_carries_its_revision_as_strong_etag),
        cmocka_unit_test(the_next_page_is_linked_with_everything_encoded),
        cmocka_unit_test(parameters_that_exclude_each_other_are_a_fault),
        cmocka_unit_test(one_of_them_or_an_unknown_model_is_none),
        cmocka_unit_test(times_are_utc_with_microseconds),
        cmocka_unit_test(ids_are_random_uuids),
        cmocka_unit_test(a_key_is_good_for_the_models_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
