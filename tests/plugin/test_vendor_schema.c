/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas as the vendors of models take them. */
#include "cleanup.h"
#include "unit.h"
#include "vendor_schema.h"

#include <stdio.h>

static void becomes(json_t *(*make)(const json_t *schema), const char *given, const char *wanted)
{
    EIN_JSON json_t *schema = json_loads(given, JSON_DECODE_ANY, NULL);
    EIN_JSON json_t *before = json_deep_copy(schema), *want = json_loads(wanted, 0, NULL);
    EIN_JSON json_t *made = make(schema);

    assert_non_null(schema);
    assert_non_null(want);
    if (!json_equal(made, want)) {
        EIN_FREE char *text = json_dumps(made, 0);
        fail_msg("%s became %s", given, text);
    }
    assert_true(json_equal(schema, before)); /* it is the caller's */
}

static void a_tools_parameters_are_an_object(void **state)
{
    static const char *const cases[][2] = {
        { "{}", "{'type':'object','properties':{}}" },
        { "null", "{'type':'object','properties':{}}" },
        { "{'type':'object'}", "{'type':'object','properties':{}}" },
        { "{'type':['object','null'],'properties':{'a':{}}}",
          "{'type':'object','properties':{'a':{}}}" },
        { "{'properties':{'a':{}},'required':['a']}",
          "{'type':'object','properties':{'a':{}},'required':['a']}" },
        /* what only one branch requires, another need not have */
        { "{'anyOf':[{'properties':{'k':{'const':1},'a':{}},'required':['a']},"
          "{'properties':{'k':{'const':2},'b':{}}}]}",
          "{'type':'object','properties':{'k':{'anyOf':[{'const':1},{'const':2}]},'a':{},'b':{}}"
          "}" },
        { "{'type':'object','properties':{'a':{}},'required':['a'],"
          "'allOf':[{'properties':{'a':{},'b':{}},'required':['b']},{'not':{}}]}",
          "{'type':'object','properties':{'a':{},'b':{}},'required':['a','b']}" },
        { "{'$ref':'#/$defs/A','$defs':{'A':{'properties':{'a':{}},'required':['a']}}}",
          "{'type':'object','properties':{'a':{}},'required':['a'],"
          "'$defs':{'A':{'properties':{'a':{}},'required':['a']}}}" },
        { "{'allOf':[{'properties':{'a':{}},'required':null}]}",
          "{'type':'object','properties':{'a':{}}}" },
        { "{'oneOf':[{'$ref':'#/definitions/A'},{'$ref':'#/a/b'},{'$ref':'#/$defs/none'},7],"
          "'definitions':{'A':{'properties':{'a':{}}}}}",
          "{'type':'object','properties':{'a':{}},'definitions':{'A':{'properties':{'a':{}}}}}" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[2][512];

        for (size_t k = 0; k < 2; k++) {
            (void)snprintf(text[k], sizeof(text[k]), "%s", cases[i][k]);
            for (char *c = text[k]; *c; c++)
                *c = *c == '\'' ? '"' : *c;
        }
        becomes(vendor_tool_schema, text[0], text[1]);
    }
}

static void one_that_is_well_is_not_copied(void **state)
{
    EIN_JSON json_t *schema = json_pack("{s:s, s:{}}", "type", "object", "properties");
    EIN_JSON json_t *made = vendor_tool_schema(schema);

    assert_ptr_equal(made, schema);
}

static void closed_schemas_have_no_bounds(void **state)
{
    becomes(vendor_closed_schema,
            "{\"type\":[\"object\",\"null\"],\"properties\":{\"maximum\":{\"type\":\"array\","
            "\"minItems\":2,\"items\":{\"enum\":[{\"type\":\"object\"}]}}}}",
            "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"properties\":{"
            "\"maximum\":{\"type\":\"array\",\"description\":\"{\\\"minItems\\\":2}\","
            "\"items\":{\"enum\":[{\"type\":\"object\"}]}}}}");
}

static void which_are_open(void **state)
{
    static const struct {
        const char *schema;
        bool open;
    } cases[] = {
        { "{\"type\":\"object\"}", true },
        { "{\"type\":\"object\",\"additionalProperties\":false}", false },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}", false },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"title\":\"A\"}}}", true },
        { "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"patternProperties\":{}}}", true },
        { "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},"
          "\"additionalProperties\":true}]}",
          true },
        { "{\"const\":1}", false },
        { "[]", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EIN_JSON json_t *schema = json_loads(cases[i].schema, 0, NULL);

        assert_non_null(schema);
        if (vendor_schema_is_open(schema) != cases[i].open)
            fail_msg("%s", cases[i].schema);
    }
    assert_false(vendor_schema_is_open(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tools_parameters_are_an_object),
        cmocka_unit_test(one_that_is_well_is_not_copied),
        cmocka_unit_test(closed_schemas_have_no_bounds),
        cmocka_unit_test(which_are_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
