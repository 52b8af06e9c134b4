/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#include "member.h"
#include "print.h"
#include "trace.h"

static void what_harms_a_terminal_is_a_question_mark(void **state)
{
    static const struct {
        const char *text, *clean, *clean_lines;
    } cases[] = {
        { "", "", "" },
        { "grüße 日本 🙂", "grüße 日本 🙂", "grüße 日本 🙂" },
        { "a\x1b[31mb\x07", "a?[31mb?", "a?[31mb?" },
        { "a\tb\nc\rd\x7f", "a?b?c?d?", "a\tb\nc?d?" },
        { "\xc2\x9b"
          "2J\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8",
          "?2J???", "?2J???" },
        { "\xff\xc3", "??", "??" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *clean = print_clean(cases[i].text, 0), *lines = print_clean(cases[i].text, 1);

        assert_string_equal(clean, cases[i].clean);
        assert_string_equal(lines, cases[i].clean_lines);
        free(clean);
        free(lines);
    }
}

static void json_on_lines_is_the_same_json(void **state)
{
    static const char text[] = "{\n"
                               "  \"a\": [\n"
                               "    0.1,\n"
                               "    \"x: {\\\"y\\\", [\\\\\"\n"
                               "  ],\n"
                               "  \"b\": {},\n"
                               "  \"c\": [],\n"
                               "  \"d\": null\n"
                               "}\n";
    json_t *json = json_loads(text, 0, NULL);
    char *pretty = print_pretty(json);

    assert_string_equal(pretty, text);
    free(pretty);
    json_decref(json);
}

static void members_are_found_by_their_path(void **state)
{
    json_t *json = json_pack("{s:{s:i}, s:n}", "a", "b", 1, "c");

    assert_int_equal(json_integer_value(member_at(json, "a.b")), 1);
    assert_true(json_is_null(member_at(json, "c")));
    assert_null(member_at(json, "a.c"));
    assert_null(member_at(json, "c.b"));
    assert_null(member_at(json, "x.y"));
    json_decref(json);
}

static void expect_text(FILE *file, char **text, const char *expected)
{
    assert_int_equal(fclose(file), 0);
    assert_string_equal(*text, expected);
    free(*text);
}

static void columns_are_as_wide_as_what_is_in_them(void **state)
{
    static const struct print_column columns[] = { { "ID", "id" }, { "WHAT", "x.what" }, { 0 } };
    json_t *rows = json_pack("[{s:s, s:{s:s}}, {s:i, s:n}, s]", "id", "ü1", "x", "what",
                             "\x1b"
                             "b",
                             "id", 12345, "x", "no object");
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    print_list(file, false, rows, columns);
    expect_text(file, &text, "ID     WHAT\nü1     ?b\n12345  -\n-      -\n");
    json_decref(rows);
}

static void numbers_have_no_exponents(void **state)
{
    static const struct {
        double number;
        const char *shown;
    } cases[] = { { 6e-06, "0.000006" },   { 0, "0" },       { 2.5, "2.5" },
                  { 1e-9, "0.000000001" }, { -100, "-100" }, { 1e300, "1e+300" } };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *number = json_real(cases[i].number);
        char *text = print_value(number, 0);

        assert_string_equal(text, cases[i].shown);
        free(text);
        json_decref(number);
    }
}

static void a_trace_is_lines(void **state)
{
    json_t *events =
        json_pack("[{s:s, s:s, s:i}, {s:s, s:s, s:i}, {s:s, s:s, s:s, s:i}, {s:s, s:s}]", "type",
                  "agent_start", "agent_name", "a", "depth", 0, "type", "stdout", "message",
                  "x\x1b"
                  "c",
                  "depth", 1, "type", "error", "message", "m", "traceback", "where\n  what\n",
                  "depth", 1, "type", "new", "at", "\x7f");
    char *text = NULL;
    size_t len, i;
    const json_t *event;
    FILE *file = open_memstream(&text, &len);

    json_array_foreach(events, i, event)
    {
        trace_print(file, event);
    }
    expect_text(file, &text,
                "[a]\n  x?c\n  where\n    what\n{\"type\":\"new\",\"at\":\"\\u007f\"}\n");
    json_decref(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_harms_a_terminal_is_a_question_mark),
        cmocka_unit_test(json_on_lines_is_the_same_json),
        cmocka_unit_test(members_are_found_by_their_path),
        cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
        cmocka_unit_test(numbers_have_no_exponents),
        cmocka_unit_test(a_trace_is_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
