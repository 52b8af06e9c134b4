/* SPDX-License-Identifier: Apache-2.0 */
/* What the wires of Claude's vendors share: turns of a conversation, ids, and how to think. */
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "thinking.h"
#include "turns.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* ---- turns ---- */

/* A block is the part's text, or a tool result's id; "skip" is none, "two" are two, "bad" fails. */
static int part(const json_t *given, json_t *blocks, void *data, struct ein_error *err)
{
    const char *text = text_or_empty(given, *text_or_empty(given, "text") ? "text" : "id");

    (*(int *)data)++;
    if (strcmp(text, "skip") == 0)
        return 0;
    if (strcmp(text, "bad") == 0)
        return error_set(err, EIN_E_INVALID, "a bad part");
    if (strcmp(text, "two") == 0)
        (void)json_array_append_new(blocks, json_string("one of"));
    return json_array_append_new(blocks, json_string(text));
}

static void becomes(const char *messages, const char *system, const char *turned)
{
    EIN_JSON json_t *given = json_loads(messages, 0, NULL);
    EIN_JSON json_t *before = json_deep_copy(given);
    struct turns turns;
    int parts = 0;

    assert_non_null(given);
    assert_int_equal(turns_read(given, part, &parts, &turns, NULL), 0);
    EIN_FREE char *got_system = json_dumps(turns.system, JSON_COMPACT);
    EIN_FREE char *got = json_dumps(turns.messages, JSON_COMPACT);
    assert_string_equal(got_system, system);
    assert_string_equal(got, turned);
    assert_true(json_equal(given, before));
    turns_done(&turns);
    turns_done(&turns);
}

#define SAYS(role, text)   "{\"role\":\"" role "\",\"content\":\"" text "\"}"
#define TURN(role, blocks) "{\"role\":\"" role "\",\"content\":[" blocks "]}"
#define TEXT(text)         "{\"type\":\"text\",\"text\":\"" text "\"}"
#define RESULT(id)         "{\"type\":\"tool_result\",\"id\":\"" id "\"}"

static void roles_alternate(void **state)
{
    becomes("[]", "[]", "[]");
    becomes("[" SAYS("system", "s") "," SAYS("user", "a") "," SAYS("system", "t") "]",
            "[\"s\",\"t\"]", "[" TURN("user", "\"a\"") "]");
    becomes("[" SAYS("user", "a") "," SAYS("user", "b") "," SAYS("assistant", "c") "]", "[]",
            "[" TURN("user", "\"a\",\"b\"") "," TURN("assistant", "\"c\"") "]");
    becomes("[" SAYS("user", "a") "," SAYS("assistant", "skip") "," SAYS("user", "b") "]", "[]",
            "[" TURN("user", "\"a\",\"b\"") "]");
    becomes("[" SAYS("assistant", "skip") "," SAYS("assistant", "skip") "]", "[]", "[]");
}

#define REMINDER(text) "\"<system-reminder>\"," text ",\"</system-reminder>\""

static void what_the_system_says_later_stays_where_it_is(void **state)
{
    becomes("[" SAYS("user", "a") "," SAYS("system", "s") "," SAYS("assistant", "b") "," SAYS(
                "system", "t") "," SAYS("user", "c") "," SAYS("assistant", "d") "]",
            "[\"s\"]",
            "[" TURN("user", "\"a\"") "," TURN("assistant", "\"b\"") "," TURN(
                "user", REMINDER("\"t\"") ",\"c\"") "," TURN("assistant", "\"d\"") "]");
    becomes("[" SAYS("user", "a") "," SAYS("assistant", "b") "," SAYS("system", "t") "]", "[]",
            "[" TURN("user", "\"a\"") "," TURN("assistant",
                                               "\"b\"") "," TURN("user", REMINDER("\"t\"")) "]");
}

#define BEGINS TURN("user", "\"(The conversation begins.)\"")

static void the_user_begins(void **state)
{
    becomes("[" SAYS("assistant", "a") "," SAYS("user", "b") "]", "[]",
            "[" BEGINS "," TURN("assistant", "\"a\"") "," TURN("user", "\"b\"") "]");
    becomes("[" SAYS("system", "s") "]", "[\"s\"]", "[" BEGINS "]");
}

static void what_tools_answered_comes_first(void **state)
{
    becomes("[" TURN("user", TEXT("a") "," RESULT("two") "," TEXT("b")) "," TURN(
                "user", RESULT("y") "," TEXT("c")) "]",
            "[]", "[" TURN("user", "\"one of\",\"two\",\"y\",\"a\",\"b\",\"c\"") "]");
    becomes("[" TURN("user", RESULT("x")) "," SAYS("assistant", "a") "," TURN(
                "user", TEXT("b") "," RESULT("y")) "]",
            "[]",
            "[" TURN("user", "\"x\"") "," TURN("assistant", "\"a\"") "," TURN("user",
                                                                              "\"y\",\"b\"") "]");
}

static void says_last(const char *messages, const char *last)
{
    EIN_JSON json_t *given = json_loads(messages, 0, NULL);
    struct turns turns = { .messages = given };
    EIN_FREE char *got = NULL;

    assert_non_null(given);
    assert_int_equal(turns_trim_end(&turns, NULL), 0);
    got = json_dumps(json_array_get(given, json_array_size(given) - 1), JSON_COMPACT);
    assert_string_equal(got ? got : "", last);
}

static void the_last_word_ends_in_no_white_space(void **state)
{
    says_last("[]", "");
    says_last("[" TURN("user", TEXT("a ")) "]", TURN("user", TEXT("a ")));
    says_last("[" TURN("assistant", TEXT("a ") "," TEXT("b \\n\\t")) "]",
              TURN("assistant", TEXT("a ") "," TEXT("b")));
    says_last("[" TURN("assistant", TEXT("a ") "," RESULT("x")) "]",
              TURN("assistant", TEXT("a ") "," RESULT("x")));
    says_last("[" TURN("assistant", TEXT("a ")) "," TURN("user", TEXT("b")) "]",
              TURN("user", TEXT("b")));
}

static void tools_that_were_called_are_named_once(void **state)
{
    EIN_JSON json_t *messages = json_loads(
        "[" SAYS("user", "a") "," TURN("assistant", "{\"type\":\"tool_call\",\"name\":\"f\"},"
                                                    "{\"type\":\"tool_call\",\"name\":\"g\"},"
                                                    "{\"type\":\"tool_call\",\"name\":\"f\"},"
                                                    "{\"type\":\"tool_call\"},"
                                                    "{\"type\":\"text\",\"name\":\"h\"}") "]",
        0, NULL);
    EIN_JSON json_t *tools = turns_tools(messages);
    EIN_FREE char *got = json_dumps(tools, JSON_COMPACT);

    assert_string_equal(got, "[{\"name\":\"f\"},{\"name\":\"g\"}]");
}

static void what_cannot_be_turned_is_told(void **state)
{
    static const char *const bad[][2] = {
        { "[{\"role\":\"tool\",\"content\":\"a\"}]", "a message has the role 'tool'" },
        { "[{\"content\":\"a\"}]", "a message has the role ''" },
        { "[7]", "a message has the role ''" },
        { "[" SAYS("user", "a") "," SAYS("user", "bad") "]", "a bad part" },
        { "[" SAYS("system", "bad") "]", "a bad part" },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EIN_JSON json_t *given = json_loads(bad[i][0], 0, NULL);
        struct ein_error err = { 0 };
        struct turns turns;
        int parts = 0;

        assert_int_equal(turns_read(given, part, &parts, &turns, &err), EIN_E_INVALID);
        assert_string_equal(err.text, bad[i][1]);
    }
}

static void a_replay_is_for_its_wire(void **state)
{
    EIN_JSON json_t *ours = json_pack("{s:{s:s, s:s}}", "replay", "wire", "w", "signature", "s");
    EIN_JSON json_t *none = json_pack("{s:s}", "replay", "w");

    assert_ptr_equal(turns_replay(ours, "w"), json_object_get(ours, "replay"));
    assert_null(turns_replay(ours, "v"));
    assert_null(turns_replay(none, "w"));
    assert_null(turns_replay(NULL, "w"));
}

static void ids_are_what_vendors_take(void **state)
{
#define TEN "0123456789"
    static const char longest[] = TEN TEN TEN TEN TEN TEN "0123",
                      longer[] = TEN TEN TEN TEN TEN TEN "01234";
    static const char *const good[] = { "toolu_01", "a-B_9", longest };
    static const char *const bad[] = {
        "", "call|1", "call|2", "id with spaces", "\xc3\xa4", longer
    };
    char id[TURNS_ID_SIZE], again[TURNS_ID_SIZE], before[TURNS_ID_SIZE] = "";

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        turns_tool_id(good[i], id);
        assert_string_equal(id, good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        turns_tool_id(bad[i], id);
        turns_tool_id(bad[i], again);
        assert_string_equal(id, again);
        assert_string_not_equal(id, before);
        turns_tool_id(id, again); /* is good by now */
        assert_string_equal(id, again);
        (void)snprintf(before, sizeof(before), "%s", id);
    }
}

/* ---- thinking ---- */

static void plans(const char *parameters, const char *settings, int64_t max_tokens,
                  const char *thinking, const char *effort)
{
    EIN_JSON json_t *given = json_loads(parameters, 0, NULL);
    EIN_JSON json_t *entry = settings ? json_loads(settings, 0, NULL) : NULL;
    EIN_JSON json_t *json = NULL;
    struct thinking plan;

    thinking_plan(given, entry, max_tokens, true, &plan);
    json = thinking_json(&plan);
    EIN_FREE char *text = json ? json_dumps(json, JSON_COMPACT) : strdup("");
    assert_string_equal(text, thinking);
    assert_string_equal(plan.effort ? plan.effort : "", effort);
    thinking_plan(given, entry, max_tokens, false, &plan);
    assert_false(thinking_on(&plan));
}

#define ENABLED(budget) "{\"type\":\"enabled\",\"budget_tokens\":" budget "}"
#define EFFORTS         "{\"supports_thinking\":true,\"supports_effort\":true}"

static void a_budget_is_below_max_tokens(void **state)
{
    plans("{}", NULL, 9000, "", "");
    plans("{\"thinking_budget\":2000}", NULL, 9000, ENABLED("2000"), "");
    plans("{\"thinking_budget\":9000}", NULL, 9000, ENABLED("8999"), "");
    plans("{\"thinking_budget\":1}", NULL, 1025, ENABLED("1024"), "");
    plans("{\"thinking_budget\":2000}", NULL, 1024, "", "");
    plans("{\"thinking_budget\":0}", NULL, 9000, "{\"type\":\"disabled\"}", "");
    plans("{\"thinking_budget\":-1}", NULL, 9000, ENABLED("8550"), "");
    plans("{\"reasoning_effort\":\"high\"}", NULL, 1000000, ENABLED("32000"), "");
    plans("{\"reasoning_effort\":\"low\"}", NULL, 9000, ENABLED("1800"), "");
    plans("{\"reasoning_effort\":\"minimal\"}", NULL, 9000, ENABLED("1024"), "");
    plans("{\"reasoning_effort\":\"disable\"}", NULL, 9000, "{\"type\":\"disabled\"}", "");
    plans("{\"reasoning_effort\":\"none\",\"thinking_budget\":2000}", NULL, 9000, ENABLED("2000"),
          "");
    plans("{\"reasoning_effort\":\"boundless\"}", NULL, 9000, "", "");
}

static void the_catalog_says_what_models_can(void **state)
{
    plans("{\"reasoning_effort\":\"xhigh\"}", EFFORTS, 9000, "{\"type\":\"adaptive\"}", "xhigh");
    plans("{\"reasoning_effort\":\"minimal\"}", EFFORTS, 9, "{\"type\":\"adaptive\"}", "low");
    plans(
        "{\"reasoning_effort\":\"low\"}",
        "{\"supports_thinking\":true,\"supports_effort\":true,\"wire\":{\"thinking\":\"budget\"}}",
        9000, ENABLED("1800"), "low");
    plans("{\"thinking_budget\":2000}",
          "{\"supports_thinking\":true,\"wire\":{\"thinking\":\"adaptive\"}}", 9000,
          "{\"type\":\"adaptive\"}", "");
    plans("{\"reasoning_effort\":\"low\"}", "{\"supports_thinking\":false}", 9000, "", "");
    plans("{\"reasoning_effort\":\"disable\"}", "{}", 9000, "{\"type\":\"disabled\"}", "");
}

static void thoughts_are_shown_or_not(void **state)
{
    plans("{\"thinking_budget\":2000,\"show_thinking\":true}", NULL, 9000,
          "{\"type\":\"enabled\",\"budget_tokens\":2000,\"display\":\"summarized\"}", "");
    plans("{\"thinking_budget\":-1,\"show_thinking\":false}", EFFORTS, 9000,
          "{\"type\":\"adaptive\",\"display\":\"omitted\"}", "");
    plans("{\"thinking_budget\":-1}",
          "{\"supports_thinking\":true,\"supports_effort\":true,\"returns_thoughts\":true}", 9000,
          "{\"type\":\"adaptive\",\"display\":\"summarized\"}", "");
    plans("{\"show_thinking\":true}", NULL, 9000, "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_alternate),
        cmocka_unit_test(what_the_system_says_later_stays_where_it_is),
        cmocka_unit_test(the_user_begins),
        cmocka_unit_test(what_tools_answered_comes_first),
        cmocka_unit_test(the_last_word_ends_in_no_white_space),
        cmocka_unit_test(tools_that_were_called_are_named_once),
        cmocka_unit_test(what_cannot_be_turned_is_told),
        cmocka_unit_test(a_replay_is_for_its_wire),
        cmocka_unit_test(ids_are_what_vendors_take),
        cmocka_unit_test(a_budget_is_below_max_tokens),
        cmocka_unit_test(the_catalog_says_what_models_can),
        cmocka_unit_test(thoughts_are_shown_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
