/* SPDX-License-Identifier: Apache-2.0 */
/* What llm-ollama does without a server: requests, and entries of the catalog. */
#include "ollama.h"
#include "unit.h"

#include <string.h>

static void becomes(const char *messages, const char *expected)
{
    EIN_JSON json_t *given = json_loads(messages, 0, NULL), *got = NULL;
    const struct ein_llm_call call = { .messages = given };

    assert_non_null(given);
    assert_int_equal(ollama_messages(&call, &got, NULL), 0);
    EIN_FREE char *text = json_dumps(got, JSON_COMPACT);
    assert_string_equal(text, expected);
}

static void test_messages(void **state)
{
    becomes("[]", "[]");
    becomes("[{\"role\":\"user\"}]", "[{\"role\":\"user\",\"content\":\"\"}]");
    becomes("[{\"role\":\"odd\",\"content\":\"a\"}]", "[{\"role\":\"user\",\"content\":\"a\"}]");
    becomes("[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
            "{\"type\":\"text\",\"text\":\"b\"}]}]",
            "[{\"role\":\"system\",\"content\":\"a\\nb\"}]");
    /* What a tool answered comes before what the user says. */
    becomes("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
            "{\"type\":\"tool_result\",\"id\":\"1\",\"name\":\"f\",\"content\":\"b\"}]}]",
            "[{\"role\":\"tool\",\"content\":\"b\",\"tool_name\":\"f\",\"tool_call_id\":\"1\"},"
            "{\"role\":\"user\",\"content\":\"a\"}]");
}

static void asks(const char *parameters, const char *keep_alive, const char *expected)
{
    EIN_JSON json_t *given = json_loads(parameters, 0, NULL), *messages = json_array();
    EIN_JSON json_t *body = NULL;
    const struct ein_llm_call call = { .model = "m", .messages = messages, .parameters = given };

    assert_int_equal(ollama_request(&call, keep_alive, &body, NULL), 0);
    EIN_FREE char *text = json_dumps(body, JSON_COMPACT);
    assert_string_equal(text, expected);
}

#define BARE "{\"model\":\"m\",\"messages\":[],\"stream\":true"

static void test_requests(void **state)
{
    asks("{}", "", BARE "}");
    asks("{\"max_tokens\":5}", "", BARE ",\"options\":{\"num_predict\":5}}");
    asks("{}", "5m", BARE ",\"keep_alive\":\"5m\"}");
    asks("{\"keep_alive\":0}", "5m", BARE ",\"keep_alive\":0}");
    asks("{\"reasoning_effort\":\"low\",\"think\":true}", "", BARE ",\"think\":\"low\"}");
    asks("{\"reasoning_effort\":\"odd\"}", "", BARE "}");
}

static void shows(const char *shown, const char *expected)
{
    EIN_JSON json_t *json = json_loads(shown, 0, NULL), *entry = ollama_entry("m", json);
    EIN_FREE char *text = json_dumps(entry, JSON_COMPACT);

    assert_string_equal(text, expected);
}

static void test_entries(void **state)
{
    shows("{}", "{\"id\":\"m\"}");
    shows("{\"model_info\":{\".context_length\":7,\"a.context_length\":-1,\"b\":1}}",
          "{\"id\":\"m\"}");
    shows("{\"model_info\":{\"a.context_length\":8}}",
          "{\"id\":\"m\",\"context_window\":8,\"limits\":{\"context\":8}}");
    shows("{\"capabilities\":[\"vision\",1]}",
          "{\"id\":\"m\",\"can_tool_call\":false,\"can_reasoning\":false,\"can_attachment\":true,"
          "\"modalities\":{\"input\":[\"text\",\"image\"],\"output\":[\"text\"]}}");
    shows("{\"capabilities\":[\"embedding\"]}",
          "{\"id\":\"m\",\"can_tool_call\":false,\"can_reasoning\":false,\"can_attachment\":false,"
          "\"modalities\":{\"input\":[\"text\"],\"output\":[\"text\"]},\"embedding\":{},"
          "\"parameters\":{\"temperature\":null,\"num_predict\":null}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests_name("ollama parts", tests, NULL, NULL);
}
