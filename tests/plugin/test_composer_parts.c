/* SPDX-License-Identifier: Apache-2.0 */
/* What a model writes, what a schema is a sample of, and which URL is which operation. */
#include "sample.h"
#include "unit.h"
#include "url.h"
#include "written.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a model has written ---- */

static void expect_written(const char *answer, const char *name, const char *docstring,
                           const char *code)
{
    struct written written;

    assert_int_equal(written_read(answer, "Sum up the news, daily.", &written), 0);
    assert_string_equal(written.name, name);
    assert_string_equal(written.docstring, docstring);
    if (code)
        assert_string_equal(written.code, code);
    else
        assert_null(written.code);
    written_done(&written);
}

#define RUN "async def run(input_dict, tools):\n"

static void its_three_parts_are_read(void **state)
{
    expect_written("NAME: Sums-Up!\nDOCSTRING:\nSums\nup.\nCODE:\n```python\n" RUN
                   "    return 1\n```\n",
                   "sums_up", "Sums\nup.", RUN "    return 1\n");
}

static void a_fence_within_code_does_not_end_it(void **state)
{
    expect_written("NAME: a\nCODE:\n```\n" RUN "    a = '''\n```\n'''\n    return a\n```", "a", "",
                   RUN "    a = '''\n```\n'''\n    return a\n");
}

static void a_body_alone_is_wrapped_with_the_imports_it_uses(void **state)
{
    expect_written("CODE:\n```\n  a = json.loads('1')\n\n  return a\n```", "sum_up_the_news", "",
                   "import json\n\n\n" RUN "    a = json.loads('1')\n\n    return a\n");
}

static void imports_are_not_said_twice(void **state)
{
    expect_written("```\nimport re\n" RUN "    return [re.escape('a'), await call_llm()]\n```",
                   "sum_up_the_news", "",
                   "from services.llm_service import call_llm\nimport re\n" RUN
                   "    return [re.escape('a'), await call_llm()]\n");
}

static void a_name_within_another_is_not_that_name(void **state)
{
    expect_written("```\n" RUN "    return here.json\n```", "sum_up_the_news", "",
                   RUN "    return here.json\n");
}

static void what_comes_from_the_future_stays_first(void **state)
{
    expect_written("```\nfrom __future__ import annotations\n" RUN "    return re\n```",
                   "sum_up_the_news", "",
                   "from __future__ import annotations\n" RUN "    return re\n");
}

static void an_answer_without_code_has_none(void **state)
{
    expect_written("I cannot do that.", "sum_up_the_news", "", NULL);
    expect_written("", "sum_up_the_news", "", NULL);
    expect_written("CODE:\n```python\n\n```", "sum_up_the_news", "", NULL);
}

/* ---- samples ---- */

static void expect_sample(const char *schema_text, const char *expected)
{
    json_t *schema = json_loads(schema_text, 0, NULL);
    json_t *sample = sample_of_schema(schema, schema);
    char *text = json_dumps(sample, JSON_COMPACT | JSON_ENCODE_ANY);

    assert_string_equal(text, expected);
    free(text);
    json_decref(sample);
    json_decref(schema);
}

static void a_schema_is_its_own_example(void **state)
{
    expect_sample("{\"type\": \"string\", \"example\": \"a\"}", "\"a\"");
    expect_sample("{\"enum\": [2, 3]}", "2");
    expect_sample("{\"const\": 4, \"default\": 5}", "4");
    expect_sample("{\"type\": \"integer\", \"maximum\": 2}", "2");
    expect_sample("{\"type\": \"integer\", \"minimum\": 20}", "20");
    expect_sample("{\"type\": [\"null\", \"boolean\"]}", "true");
    expect_sample("{\"anyOf\": [{\"type\": \"null\"}, {\"type\": \"string\"}]}", "null");
    expect_sample("{\"type\": \"string\", \"format\": \"date\"}", "\"2026-01-15\"");
    expect_sample("{\"type\": \"array\", \"items\": {\"type\": \"number\"}}", "[2.5]");
    expect_sample(
        "{\"allOf\": [{\"properties\": {\"a\": {\"const\": 1}}}, {\"properties\": {\"b\": "
        "{\"const\": 2}}}]}",
        "{\"a\":1,\"b\":2}");
}

static void references_end(void **state)
{
    expect_sample("{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"type\": \"boolean\"}}}", "true");
    expect_sample("{\"$ref\": \"http://example.org/a\"}", "null");
    expect_sample("{\"$ref\": \"#\"}", "null");
    expect_sample(
        "{\"properties\": {\"a\": {\"$ref\": \"#/properties/b\"}, \"b\": {\"const\": 1}}}",
        "{\"a\":1,\"b\":1}");
}

static void what_refers_to_all_of_itself_many_times_ends(void **state)
{
    json_t *schema = json_pack("{s:[]}", "allOf"), *sample;

    for (int i = 0; i < 1000; i++)
        json_array_append_new(json_object_get(schema, "allOf"), json_pack("{s:s}", "$ref", "#"));
    sample = sample_of_schema(schema, schema);
    assert_int_equal(json_object_size(sample), 0);
    json_decref(sample);
    json_decref(schema);
}

static void expect_fault(const char *schema_text, const char *value_text, const char *expected)
{
    json_t *schema = json_loads(schema_text, 0, NULL), *value = json_loads(value_text, 0, NULL);
    json_t *fault = sample_fault(schema, value);

    if (expected)
        assert_string_equal(json_string_value(fault), expected);
    else
        assert_null(fault);
    json_decref(fault);
    json_decref(value);
    json_decref(schema);
}

static void arguments_are_held_against_their_schema(void **state)
{
    const char *schema = "{\"required\": [\"a\"], \"additionalProperties\": false, \"properties\": "
                         "{\"a\": {\"type\": \"integer\"}, \"b\": {\"type\": \"array\"}}}";

    expect_fault(schema, "{\"a\": 1}", NULL);
    expect_fault(schema, "{\"a\": 1.0, \"b\": null}", NULL);
    expect_fault(schema, "{\"a\": 1e300}", NULL);
    expect_fault(schema, "{\"a\": 1.5}", "'a' is to be of the type integer");
    expect_fault(schema, "{}", "'a' is missing");
    expect_fault(schema, "{\"a\": \"1\"}", "'a' is to be of the type integer");
    expect_fault(schema, "{\"a\": 1, \"c\": 1}", "there is no 'c'");
    expect_fault("{}", "{\"a\": 1}", NULL);
}

/* ---- URLs ---- */

static void a_url_is_an_operation(void **state)
{
    assert_true(url_fits("https://a.org/v1/pets/7?x=1", "https://a.org/v1/", "/pets/{id}"));
    assert_true(url_fits("https://A.org/v1/pets/7/", "https://a.org/v1", "/pets/{id}"));
    assert_true(url_fits("https://a.org/pets/7.json", "https://a.org", "/pets/{id}.json"));
    assert_true(url_fits("http://any/where/pets", "", "/pets"));
    assert_false(url_fits("https://a.org/v1/pets/", "https://a.org/v1", "/pets/{id}"));
    assert_false(url_fits("https://a.org/v1/pets/7/8", "https://a.org/v1", "/pets/{id}"));
    assert_false(url_fits("https://a.org.evil.org/v1/pets/7", "https://a.org", "/pets/{id}"));
    assert_false(url_fits("https://a.org", "https://a.org/v1", "/pets"));
    assert_false(url_fits("", "", "/pets"));
}

static void queries_are_found(void **state)
{
    assert_true(url_has_query("http://a/?b=1&c=2", "c"));
    assert_false(url_has_query("http://a/?bc=1#c=2", "c"));
    assert_false(url_has_query("http://a/", "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_three_parts_are_read),
        cmocka_unit_test(a_fence_within_code_does_not_end_it),
        cmocka_unit_test(a_body_alone_is_wrapped_with_the_imports_it_uses),
        cmocka_unit_test(imports_are_not_said_twice),
        cmocka_unit_test(a_name_within_another_is_not_that_name),
        cmocka_unit_test(what_comes_from_the_future_stays_first),
        cmocka_unit_test(an_answer_without_code_has_none),
        cmocka_unit_test(a_schema_is_its_own_example),
        cmocka_unit_test(references_end),
        cmocka_unit_test(what_refers_to_all_of_itself_many_times_ends),
        cmocka_unit_test(arguments_are_held_against_their_schema),
        cmocka_unit_test(a_url_is_an_operation),
        cmocka_unit_test(queries_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
