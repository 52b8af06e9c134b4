/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "said.h"
#include "unit.h"

#include <string.h>

static int take(struct said *said, int kind, const char *text, const char *data)
{
    EIN_JSON json_t *json = data ? json_loads(data, 0, NULL) : NULL;

    return said_take(&(struct ein_llm_piece){ .kind = kind, .text = text, .data = json }, said);
}

static void assert_json(json_t *take_json, const char *expected)
{
    EIN_JSON json_t *json = take_json;
    EIN_FREE char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(text, expected);
}

static void pieces_become_parts_in_their_order(void **state)
{
    struct said said;

    assert_int_equal(said_init(&said, SIZE_MAX), 0);
    assert_int_equal(take(&said, EIN_LLM_THOUGHT, "I th", NULL), 0);
    assert_int_equal(take(&said, EIN_LLM_THOUGHT, "ink", "{\"replay\": 1}"), 0);
    assert_int_equal(take(&said, EIN_LLM_TEXT, "Let me ", NULL), 0);
    assert_int_equal(take(&said, EIN_LLM_TEXT, "look", NULL), 0);
    assert_int_equal(take(&said, EIN_LLM_TOOL_CALL, NULL, "{\"name\": \"look\"}"), 0);
    assert_int_equal(take(&said, EIN_LLM_THOUGHT, NULL, "{\"replay\": 2}"), 0);
    assert_int_equal(take(&said, EIN_LLM_SOURCE, NULL, "{\"url\": \"u\"}"), 0);
    assert_int_equal(take(&said, EIN_LLM_TEXT, "there", NULL), 0);

    assert_string_equal(buf_str(&said.text), "Let me lookthere");
    assert_string_equal(buf_str(&said.thoughts), "I think");
    assert_true(said.needs_message);
    assert_json(said_message(&said),
                "{\"content\":[{\"replay\":1,\"text\":\"I think\",\"type\":\"thought\"},"
                "{\"text\":\"Let me look\",\"type\":\"text\"},"
                "{\"name\":\"look\",\"type\":\"tool_call\"},"
                "{\"replay\":2,\"text\":\"\",\"type\":\"thought\"},"
                "{\"text\":\"there\",\"type\":\"text\"}],\"role\":\"assistant\"}");
    assert_json(json_incref(said.tool_calls), "[{\"name\":\"look\"}]");
    assert_json(json_incref(said.sources), "[{\"url\":\"u\"}]");
    said_done(&said);
}

static void its_maximum_is_of_all_that_is_said(void **state)
{
    struct said said;

    assert_int_equal(said_init(&said, 10), 0);
    assert_int_equal(take(&said, EIN_LLM_TEXT, "12345", NULL), 0);
    assert_int_equal(take(&said, EIN_LLM_THOUGHT, "12345", NULL), 0);
    assert_false(said.needs_message);
    assert_true(take(&said, EIN_LLM_TOOL_CALL, NULL, "{}") < 0);
    assert_int_equal(said.fault, EIN_E_TOO_LARGE);
    said_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_become_parts_in_their_order),
        cmocka_unit_test(its_maximum_is_of_all_that_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
