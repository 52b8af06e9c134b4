/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "schema.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static json_t *json(const char *text)
{
    struct json_fault fault;
    json_t *value = json_text_parse(text, strlen(text), 64, &fault);

    if (!value)
        fail_msg("%s: %s at %zu", text, fault.text, fault.offset);
    return value;
}

static struct schema *compiled(const char *text)
{
    struct schema *schema;
    struct ein_error err;

    if (schema_compile(text, &schema, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return schema;
}

static void assert_json(const json_t *got, const json_t *expected)
{
    char *got_text = json_text_dump(got, NULL), *expected_text = json_text_dump(expected, NULL);

    assert_string_equal(got_text, expected_text);
    free(got_text);
    free(expected_text);
}

/* What the check makes of it: the value, or the list of faults. */
static void assert_check(const char *schema_text, enum schema_mode mode, const char *value_text,
                         int expected_r, const char *expected_text)
{
    struct schema *schema = compiled(schema_text);
    json_t *value = json(value_text), *before = json_deep_copy(value);
    json_t *expected = json(expected_text), *result = NULL, *faults = NULL;
    int r = schema_check(schema, mode, "body", value, &result, &faults);

    assert_json(r < 0 ? faults : result, expected);
    assert_int_equal(r, expected_r);
    assert_true(json_equal(value, before));
    json_decref(result);
    json_decref(faults);
    json_decref(expected);
    json_decref(before);
    json_decref(value);
    schema_free(schema);
}

/* Verdicts recorded from the library that the original service checks with. */
static void recorded_verdicts_are_ours(void **state)
{
    json_error_t at;
    json_t *cases = json_load_file(SCHEMA_CASES, JSON_DECODE_ANY, &at), *one;
    size_t i;

    assert_true(json_array_size(cases) >= 200);
    json_array_foreach(cases, i, one)
    {
        json_t *expected = json_object_get(one, "faults"), *result = NULL, *faults = NULL;
        struct schema *schema;
        struct ein_error err;
        int r;

        assert_int_equal(schema_compile_json(json_object_get(one, "schema"), &schema, &err), 0);
        r = schema_check(schema, SCHEMA_REQUEST, "body", json_object_get(one, "value"), &result,
                         &faults);
        if (json_array_size(expected) > 0 && !json_equal(faults, expected)) {
            assert_json(faults, expected);
            fail_msg("case %zu", i);
        }
        assert_int_equal(r, json_array_size(expected) ? EIN_E_INVALID : 0);
        json_decref(result);
        json_decref(faults);
        schema_free(schema);
    }
    json_decref(cases);
}

#define PERSON                                                                                     \
    "{\"type\":\"object\",\"required\":[\"fullName\"],\"properties\":{"                            \
    "\"fullName\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\",\"default\":7},"             \
    "\"nick\":{\"type\":[\"string\",\"null\"],\"default\":null},\"tags\":{\"type\":\"array\","     \
    "\"items\":{\"type\":\"string\"},\"default\":[]}}}"

static void requests_take_either_spelling_and_get_defaults(void **state)
{
    assert_check(PERSON, SCHEMA_REQUEST, "{\"full_name\":\"A\",\"zzz\":1}", 0,
                 "{\"fullName\":\"A\",\"age\":7,\"nick\":null,\"tags\":[]}");
    assert_check(PERSON, SCHEMA_REQUEST, "{\"full_name\":\"A\",\"fullName\":\"B\",\"age\":\" 9 \"}",
                 0, "{\"fullName\":\"B\",\"age\":9,\"nick\":null,\"tags\":[]}");
    assert_check(
        PERSON, SCHEMA_REQUEST, "{\"full_name\":3,\"age\":null}", EIN_E_INVALID,
        "[{\"type\":\"string_type\",\"loc\":[\"body\",\"fullName\"],\"msg\":\"Input should "
        "be a valid string\",\"input\":3},{\"type\":\"int_type\",\"loc\":[\"body\",\"age\"]"
        ",\"msg\":\"Input should be a valid integer\",\"input\":null}]");
}

static void order_of_free_objects_is_kept(void **state)
{
    assert_check("{\"type\":\"object\"}", SCHEMA_REQUEST, "{\"z\":1,\"a\":{\"y\":2,\"b\":3}}", 0,
                 "{\"z\":1,\"a\":{\"y\":2,\"b\":3}}");
    assert_check("{\"type\":\"object\",\"properties\":{\"b\":{}},\"additionalProperties\":true}",
                 SCHEMA_REQUEST, "{\"z\":1,\"b\":2,\"a\":3}", 0, "{\"b\":2,\"z\":1,\"a\":3}");
}

static void queries_are_texts(void **state)
{
    const char *schema = "{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\","
                         "\"maximum\":10},\"all\":{\"type\":\"boolean\"},\"tags\":{\"type\":"
                         "\"array\",\"items\":{\"type\":\"string\"}}}}";

    assert_check(schema, SCHEMA_QUERY, "{\"limit\":\"10\",\"all\":\"yes\",\"tags\":\"one\"}", 0,
                 "{\"limit\":10,\"all\":true,\"tags\":[\"one\"]}");
    assert_check(schema, SCHEMA_QUERY, "{\"limit\":[\"1\",\"2\"],\"tags\":[\"a\",\"b\"]}", 0,
                 "{\"limit\":2,\"tags\":[\"a\",\"b\"]}");
    assert_check(
        schema, SCHEMA_QUERY, "{\"limit\":\"11\"}", EIN_E_INVALID,
        "[{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"limit\"],\"msg\":\"Input should "
        "be less than or equal to 10\",\"input\":\"11\",\"ctx\":{\"le\":10}}]");
}

static void replies_are_exact(void **state)
{
    assert_check(PERSON, SCHEMA_REPLY, "{\"fullName\":\"A\"}", 0, "{\"fullName\":\"A\"}");
    assert_check(PERSON, SCHEMA_REPLY, "{\"fullName\":\"A\",\"age\":\"9\",\"more\":1}",
                 EIN_E_INVALID,
                 "[{\"type\":\"int_type\",\"loc\":[\"body\",\"age\"],\"msg\":\"Input should be a "
                 "valid integer\",\"input\":\"9\"},{\"type\":\"extra_forbidden\",\"loc\":[\"body\","
                 "\"more\"],\"msg\":\"Extra inputs are not permitted\",\"input\":1}]");
    assert_check(PERSON, SCHEMA_REPLY, "{\"full_name\":\"A\",\"fullName\":\"A\"}", EIN_E_INVALID,
                 "[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"full_name\"],\"msg\":\"Extra "
                 "inputs are not permitted\",\"input\":\"A\"}]");
}

static void settings_are_judged_in_the_operators_words(void **state)
{
    const char *schema = "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"},"
                         "\"in\":{\"type\":\"object\",\"default\":{},\"properties\":{\"n\":"
                         "{\"type\":\"integer\",\"default\":3,\"minimum\":1}}}}}";

    assert_check(schema, SCHEMA_CONFIG, "{\"in\":{\"n\":\"5\"}}", 0, "{\"in\":{\"n\":5}}");
    assert_check(schema, SCHEMA_CONFIG, "{}", 0, "{\"in\":{\"n\":3}}");
    assert_check(
        schema, SCHEMA_CONFIG, "{\"pth\":1,\"path\":5,\"in\":{\"n\":0}}", EIN_E_INVALID,
        "[{\"type\":\"string_type\",\"loc\":[\"body\",\"path\"],\"msg\":\"is not a text\","
        "\"input\":5},{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"in\",\"n\"],"
        "\"msg\":\"is less than 1\",\"input\":0,\"ctx\":{\"ge\":1}},{\"type\":"
        "\"extra_forbidden\",\"loc\":[\"body\",\"pth\"],\"msg\":\"unknown key; did you mean "
        "`path`?\",\"input\":1}]");
}

static void unusable_schemas_are_refused_with_a_reason(void **state)
{
    static const char *const schemas[][2] = {
        { "{\"type\":\"strng\"}", "unknown type 'strng'" },
        { "{\"typ\":\"string\"}", "'typ' is not supported; did you mean 'type'?" },
        { "{\"oneOf\":[]}", "'oneOf' is not supported" },
        { "{\"type\":[\"string\",\"integer\"]}", "only one type beside" },
        { "{\"type\":\"string\",\"pattern\":\"(\"}", "pattern '('" },
        { "{\"type\":\"string\",\"pattern\":\"(a*)\\\\1\"}", "too costly" },
        { "{\"type\":\"string\",\"minLength\":-1}", "negative" },
        { "{\"enum\":[]}", "empty enum" },
        { "{\"properties\":{},\"required\":[\"a\"]}", "required 'a'" },
        { "{\"properties\":{\"a\":{\"type\":\"integer\",\"default\":\"x\"}}}", "default of 'a'" },
        { "{\"items\":[]}", "'items' has a value of the wrong type" },
        { "[]", "not an object" },
        { "{\"type\":\"string\"", "Expecting ',' delimiter" },
    };

    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        struct schema *schema = NULL;
        struct ein_error err = { 0 };

        assert_int_equal(schema_compile(schemas[i][0], &schema, &err), EIN_E_INVALID);
        if (!strstr(err.text, schemas[i][1]))
            fail_msg("%s: %s", schemas[i][0], err.text);
    }
}

static void schemas_have_a_depth(void **state)
{
    char text[2000] = "";
    struct schema *schema;
    struct ein_error err;

    for (int i = 0; i < 40; i++)
        (void)strcat(text, "{\"items\":");
    (void)strcat(text, "{}");
    for (int i = 0; i < 40; i++)
        (void)strcat(text, "}");
    assert_int_equal(schema_compile(text, &schema, &err), EIN_E_INVALID);
    assert_non_null(strstr(err.text, "deeper than"));
}

static void many_faults_make_no_huge_reply(void **state)
{
    struct schema *schema = compiled("{\"type\":\"array\",\"items\":{\"type\":\"object\","
                                     "\"required\":[\"a\",\"b\"],\"properties\":{\"a\":{},"
                                     "\"b\":{}}}}");
    json_t *value = json_array(), *result = NULL, *faults = NULL;
    char *big = calloc(1, 20001), *text;
    size_t len;

    memset(big, 'x', 20000);
    for (int i = 0; i < 1000; i++)
        (void)json_array_append_new(value, json_pack("{s:s}", "c", big));
    assert_int_equal(schema_check(schema, SCHEMA_REQUEST, "body", value, &result, &faults),
                     EIN_E_INVALID);
    assert_int_equal(json_array_size(faults), 100);
    text = json_text_dump(faults, &len);
    assert_true(len < 100000);
    free(text);
    free(big);
    json_decref(faults);
    json_decref(value);
    schema_free(schema);
}

static void bodies_that_are_none(void **state)
{
    json_t *no_body = schema_fault_no_body(), *not_json = schema_fault_not_json(1, "Extra data");
    json_t *expected = json("[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\","
                            "\"input\":null}]");

    assert_json(no_body, expected);
    json_decref(expected);
    expected =
        json("[{\"type\":\"json_invalid\",\"loc\":[\"body\",1],\"msg\":\"JSON decode error\","
             "\"input\":{},\"ctx\":{\"error\":\"Extra data\"}}]");
    assert_json(not_json, expected);
    json_decref(expected);
    json_decref(no_body);
    json_decref(not_json);
}

static void no_fault_repeats_a_secret(void **state)
{
    static const char schema[] =
        "{\"type\": \"object\", \"required\": [\"who\", \"apiKey\"], \"properties\": {"
        "\"who\": {\"type\": \"string\"},"
        "\"apiKey\": {\"type\": \"string\", \"minLength\": 4, \"writeOnly\": true}}}";
    struct schema *compiled_schema = compiled(schema);

    assert_true(schema_takes_secrets(compiled_schema));
    schema_free(compiled_schema);
    assert_check(schema, SCHEMA_REQUEST, "{\"apiKey\": \"sesame\", \"x\": 1}", EIN_E_INVALID,
                 "[{\"type\": \"missing\", \"loc\": [\"body\", \"who\"], \"msg\": \"Field "
                 "required\", \"input\": {\"x\": 1}}]");
    assert_check(schema, SCHEMA_REQUEST, "{\"api_key\": \"sesame\"}", EIN_E_INVALID,
                 "[{\"type\": \"missing\", \"loc\": [\"body\", \"who\"], \"msg\": \"Field "
                 "required\", \"input\": {}}]");
    assert_check(schema, SCHEMA_REQUEST, "{\"who\": \"me\", \"api_key\": [\"sesame\"]}",
                 EIN_E_INVALID,
                 "[{\"type\": \"string_type\", \"loc\": [\"body\", \"apiKey\"], \"msg\": "
                 "\"Input should be a valid string\", \"input\": null}]");
    assert_check(schema, SCHEMA_REQUEST, "{\"who\": \"me\", \"api_key\": \"abc\"}", EIN_E_INVALID,
                 "[{\"type\": \"string_too_short\", \"loc\": [\"body\", \"apiKey\"], \"msg\": "
                 "\"String should have at least 4 characters\", \"input\": null, \"ctx\": "
                 "{\"min_length\": 4}}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_verdicts_are_ours),
        cmocka_unit_test(requests_take_either_spelling_and_get_defaults),
        cmocka_unit_test(order_of_free_objects_is_kept),
        cmocka_unit_test(queries_are_texts),
        cmocka_unit_test(replies_are_exact),
        cmocka_unit_test(settings_are_judged_in_the_operators_words),
        cmocka_unit_test(unusable_schemas_are_refused_with_a_reason),
        cmocka_unit_test(schemas_have_a_depth),
        cmocka_unit_test(no_fault_repeats_a_secret),
        cmocka_unit_test(many_faults_make_no_huge_reply),
        cmocka_unit_test(bodies_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
