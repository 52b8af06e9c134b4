/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_warnings.h"
#include "unit.h"

static void expect_warnings(const char *result_text, const char *schema_text, const char *expected)
{
    json_t *result = json_loads(result_text, JSON_DECODE_ANY, NULL);
    json_t *schema = json_loads(schema_text, JSON_DECODE_ANY, NULL);
    json_t *warnings = schema_warnings(result, schema);
    char *text = json_dumps(warnings, JSON_ENCODE_ANY | JSON_COMPACT);

    assert_non_null(result);
    assert_non_null(schema);
    assert_string_equal(text, expected);
    free(text);
    json_decref(warnings);
    json_decref(schema);
    json_decref(result);
}

static void nothing_is_said_without_a_schema(void **state)
{
    expect_warnings("[1]", "null", "null");
    expect_warnings("[1]", "{}", "null");
    assert_true(json_is_null(schema_warnings(json_null(), NULL)));
}

static void a_fitting_result_has_no_warnings(void **state)
{
    expect_warnings("{\"s\": \"x\", \"i\": 1, \"f\": 1.5, \"b\": false, \"l\": [], \"j\": null}",
                    "{\"s\": \"string\", \"i\": \"integer\", \"f\": \"float\", \"b\": \"boolean\", "
                    "\"l\": \"list\", \"j\": \"json\"}",
                    "null");
}

static void whole_numbers_and_booleans_are_floats(void **state)
{
    expect_warnings("{\"f\": 2, \"g\": true}", "{\"f\": \"float\", \"g\": \"float\"}", "null");
}

static void unknown_types_accept_anything(void **state)
{
    expect_warnings("{\"a\": 1, \"b\": 1}", "{\"a\": \"matrix\", \"b\": {\"type\": \"string\"}}",
                    "null");
}

static void a_result_that_is_no_dict_is_named_by_its_python_type(void **state)
{
    static const struct {
        const char *result, *expected;
    } rows[] = {
        { "[1]", "[\"Output is not a dict (got list). Expected keys: ['a', 'b'].\"]" },
        { "null", "[\"Output is not a dict (got NoneType). Expected keys: ['a', 'b'].\"]" },
        { "\"x\"", "[\"Output is not a dict (got str). Expected keys: ['a', 'b'].\"]" },
        { "1", "[\"Output is not a dict (got int). Expected keys: ['a', 'b'].\"]" },
        { "1.0", "[\"Output is not a dict (got float). Expected keys: ['a', 'b'].\"]" },
        { "true", "[\"Output is not a dict (got bool). Expected keys: ['a', 'b'].\"]" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_warnings(rows[i].result, "{\"b\": \"json\", \"a\": \"json\"}", rows[i].expected);
}

static void missing_and_unexpected_keys_are_listed_sorted(void **state)
{
    expect_warnings("{\"z\": 1, \"y\": 2, \"a\": 3}",
                    "{\"d\": \"json\", \"a\": \"json\", \"c\": \"json\"}",
                    "[\"Missing required output keys: ['c', 'd']\","
                    "\"Unexpected output keys not in schema: ['y', 'z']. The composer LLM may "
                    "have ignored the output schema — try regenerating the code, or update the "
                    "schema.\"]");
}

static void wrong_types_are_told_in_the_order_of_the_keys(void **state)
{
    expect_warnings("{\"b\": true, \"a\": \"x\", \"d\": {}, \"c\": 1.0, \"e\": null}",
                    "{\"b\": \"integer\", \"a\": \"integer\", \"d\": \"list\", \"c\": \"integer\", "
                    "\"e\": \"boolean\"}",
                    "[\"Output 'a' has type str but schema declares integer.\","
                    "\"Output 'b' is a boolean but schema declares integer.\","
                    "\"Output 'c' has type float but schema declares integer.\","
                    "\"Output 'd' has type dict but schema declares list.\","
                    "\"Output 'e' has type NoneType but schema declares boolean.\"]");
}

static void keys_are_written_as_python_writes_them(void **state)
{
    expect_warnings(
        "{}",
        "{\"it's\": \"json\", \"a\\\"'b\": \"json\", \"new\\nline\": \"json\", \"\\\\\": \"json\", "
        "\"\\u00e9\\u00a0\": \"json\", \"\\u200b\": \"json\", \"\\ud83d\\ude00\": \"json\", "
        "\"\\udb40\\udc01\": \"json\"}",
        "[\"Missing required output keys: ['\\\\\\\\', 'a\\\"\\\\'b', \\\"it's\\\", "
        "'new\\\\nline', 'é\\\\xa0', '\\\\u200b', '😀', '\\\\U000e0001']\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_without_a_schema),
        cmocka_unit_test(a_fitting_result_has_no_warnings),
        cmocka_unit_test(whole_numbers_and_booleans_are_floats),
        cmocka_unit_test(unknown_types_accept_anything),
        cmocka_unit_test(a_result_that_is_no_dict_is_named_by_its_python_type),
        cmocka_unit_test(missing_and_unexpected_keys_are_listed_sorted),
        cmocka_unit_test(wrong_types_are_told_in_the_order_of_the_keys),
        cmocka_unit_test(keys_are_written_as_python_writes_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
