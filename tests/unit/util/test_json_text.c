/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "unit.h"
#include <float.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 8 };

static void faults_have_the_words_and_places_of_cpython(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *fault;
    } cases[] = {
        { "", 0, "Expecting value" },
        { "  ", 2, "Expecting value" },
        { "{", 1, "Expecting property name enclosed in double quotes" },
        { "{not json", 1, "Expecting property name enclosed in double quotes" },
        { "{\"a\":1,}", 7, "Expecting property name enclosed in double quotes" },
        { "{\"a\"}", 4, "Expecting ':' delimiter" },
        { "{\"a\":}", 5, "Expecting value" },
        { "[1,]", 3, "Expecting value" },
        { "[1 2]", 3, "Expecting ',' delimiter" },
        { "[1", 2, "Expecting ',' delimiter" },
        { "1 2", 2, "Extra data" },
        { "01", 1, "Extra data" },
        { "1.", 1, "Extra data" },
        { "-", 0, "Expecting value" },
        { "nul", 0, "Expecting value" },
        { "[NaN]", 1, "Expecting value" },
        { "-Infinity", 0, "Expecting value" },
        { "\"abc", 0, "Unterminated string starting at" },
        { "\"abc\\", 0, "Unterminated string starting at" },
        { "\"a\nb\"", 2, "Invalid control character at" },
        { "\"\\x\"", 1, "Invalid \\escape" },
        { "\"\\u12\"", 2, "Invalid \\uXXXX escape" },
        { "\"éé\\q\"", 3, "Invalid \\escape" },
        { "[\"é\", x]", 6, "Expecting value" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_fault fault = { 0 };

        assert_null(json_text_parse(cases[i].text, strlen(cases[i].text), DEPTH, &fault));
        assert_string_equal(fault.text, cases[i].fault);
        assert_int_equal(fault.offset, cases[i].offset);
    }
}

static void what_we_refuse_beyond_that_is_named(void **state)
{
    static const struct {
        const char *text;
        size_t len, offset;
        const char *fault;
    } cases[] = {
        { "{\"a\":1,\"a\":2}", 13, 7, "Duplicate object key 'a'" },
        { "[[[[[[[[[1]]]]]]]]]", 19, 8, "Nesting deeper than 8 levels" },
        { "\"\xff\"", 3, 1, "Invalid UTF-8" },
        { "\"a\xc3\"", 4, 2, "Invalid UTF-8" },
        { "\"\xed\xa0\x80\"", 5, 1, "Invalid UTF-8" },
        { "\"\0\"", 3, 1, "Invalid control character at" },
        { "[\0]", 3, 1, "Expecting value" },
        { "\"x\\u0000\"", 9, 2, "NUL in a string" },
        { "\"\\ud800\"", 8, 1, "Lone surrogate in a string" },
        { "\"\\udc00\"", 8, 1, "Lone surrogate in a string" },
        { "\"\\ud800\\u0041\"", 14, 1, "Lone surrogate in a string" },
        { "9223372036854775808", 19, 0, "Number out of range" },
        { "-9223372036854775809", 20, 0, "Number out of range" },
        { "[1e400]", 7, 1, "Number out of range" },
        { "\xef\xbb\xbf{}", 5, 0, "Unexpected UTF-8 BOM (decode using utf-8-sig)" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_fault fault = { 0 };

        assert_null(json_text_parse(cases[i].text, cases[i].len, DEPTH, &fault));
        assert_string_equal(fault.text, cases[i].fault);
        assert_int_equal(fault.offset, cases[i].offset);
    }
}

static void long_duplicate_keys_are_cut_at_a_whole_character(void **state)
{
    const char text[] =
        "{\"éééééééééééééééééééééééééééééééé\":1,\"éééééééééééééééééééééééééééééééé\":2}";
    struct json_fault fault;

    assert_null(json_text_parse(text, strlen(text), DEPTH, &fault));
    assert_int_equal(fault.offset, 38);
    assert_non_null(strstr(fault.text, "éé'"));
}

/* Parsed and dumped again. */
static void assert_round(const char *text, const char *expected)
{
    struct json_fault fault = { 0 };
    json_t *json = json_text_parse(text, strlen(text), DEPTH, &fault);
    size_t len = 0;
    char *dump;

    assert_string_equal(fault.text, "");
    assert_non_null(json);
    dump = json_text_dump(json, &len);
    assert_string_equal(dump, expected);
    assert_int_equal(len, strlen(expected));
    free(dump);
    json_decref(json);
}

static void values_survive(void **state)
{
    assert_round(" { \"b\" : [ 1 , true , null , \"x\" ] , \"a\" : { } , \"\" : [ ] } ",
                 "{\"b\":[1,true,null,\"x\"],\"a\":{},\"\":[]}");
    assert_round("[[[[[[[[]]]]]]]]", "[[[[[[[[]]]]]]]]");
    assert_round("\"\\u00e9\\ud83d\\ude00\\n\\/\\\"\\u001f\"", "\"é😀\\n/\\\"\\u001f\"");
    assert_round("-9223372036854775808", "-9223372036854775808");
    assert_round("9223372036854775807", "9223372036854775807");
    assert_round("-0", "0");
}

static void numbers_are_written_as_short_as_they_read_back(void **state)
{
    static const char *const numbers[][2] = {
        { "0.1", "0.1" },
        { "1.0", "1.0" },
        { "-0.0", "-0.0" },
        { "1e16", "1e+16" },
        { "1e15", "1000000000000000.0" },
        { "1E-5", "1e-05" },
        { "0.0001", "0.0001" },
        { "1.5e300", "1.5e+300" },
        { "3.14159", "3.14159" },
        { "0.30000000000000004", "0.30000000000000004" },
        { "-12.5", "-12.5" },
        { "0.00015", "0.00015" },
        { "100.0", "100.0" },
        { "9999999.99999999", "9999999.99999999" },
        { "9999999.000000001", "9999999.000000002" },
        { "123456.789012345", "123456.789012345" },
        { "5.684341886080802e-14", "5.684341886080802e-14" },
        { "5e-324", "5e-324" },
        { "-0.0", "-0.0" },
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_round(numbers[i][0], numbers[i][1]);
    srand(7);
    for (int i = 0; i < 2000; i++) {
        double value = (double)rand() / (double)(1 + rand() % 100000);
        json_t *json = json_real(value);
        char *text = json_text_dump(json, NULL);

        assert_true(strtod(text, NULL) == value);
        free(text);
        json_decref(json);
    }
}

static void what_is_no_json_is_not_dumped(void **state)
{
    json_t *bad = json_pack("[o]", json_string_nocheck("\xff")), *ring = json_array();

    assert_null(json_text_dump(bad, NULL));
    assert_null(json_text_dump(NULL, NULL));
    for (int i = 0; i < 600; i++)
        ring = json_pack("[o]", ring);
    assert_null(json_text_dump(ring, NULL));
    json_decref(bad);
    json_decref(ring);
}

static void depth_costs_no_stack(void **state)
{
    size_t len = 1000000;
    char *text = malloc(len);
    struct json_fault fault;

    memset(text, '[', len);
    assert_null(json_text_parse(text, len, 200, &fault));
    assert_string_equal(fault.text, "Nesting deeper than 200 levels");
    assert_int_equal(fault.offset, 200);
    free(text);
}

/* As jansson reads it, or not at all. */
static bool is_as_jansson(const char *text, size_t len)
{
    json_t *ours = json_text_parse(text, len, DEPTH, NULL);
    json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    bool same = ours ? json_equal(ours, theirs) : !theirs;

    json_decref(ours);
    json_decref(theirs);
    return same;
}

static void what_is_json_is_what_jansson_says(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ 1 , -2 , 3.5 , 1e3 , -0 , 0.25E-2 , 123456789012345678 ] ",
        "{\"a\": {\"b\": [true, false, null]}, \"c\": \"\"}",
        "\"plain\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"",
        "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\nb\"},\"finish_reason\":null}]}",
        "1e-400",
        "[[[[[[[[]]]]]]]]",

        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "+1",
        "nul",
        "tru",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "{} {}",
        "[1]x",
        "1e999",
        "{\"a\":1,\"a\":2}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!is_as_jansson(texts[i], strlen(texts[i])))
            fail_msg("%s", texts[i]);
    assert_null(json_text_parse("[1]\0", 4, DEPTH, NULL));
}

/* Every text with one byte changed, and every part of it. */
static void a_damaged_text_is_read_as_jansson_reads_it(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",{\"b\":null,\"c\":true}],\"d\":\"\xc3\xa9\"}";
    char damaged[sizeof(text)];

    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(damaged, text, sizeof(text));
            damaged[at] = (char)byte;
            if (!is_as_jansson(damaged, sizeof(text) - 1))
                fail_msg("%s", damaged);
        }
        assert_null(json_text_parse(text, at, DEPTH, NULL));
    }
}

static void a_long_text_with_escapes_is_whole(void **state)
{
    enum { COUNT = 5000 };
    char *text = malloc(2 * COUNT + 3);
    json_t *json = NULL;

    text[0] = '"';
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 1 + 2 * i, "\\n", 2);
    strcpy(text + 1 + 2 * (size_t)COUNT, "\"");
    json = json_text_parse(text, strlen(text), DEPTH, NULL);
    assert_int_equal(json_string_length(json), COUNT);
    assert_int_equal(strspn(json_string_value(json), "\n"), COUNT);
    free(text);
    json_decref(json);
}

static void a_value_is_read_without_what_follows(void **state)
{
    const char text[] = "{\"a\":[1]} , 2", *at = text, *end = text + strlen(text);
    json_t *json = json_text_value(&at, end, DEPTH);

    assert_true(json_is_object(json));
    assert_string_equal(at, " , 2");
    json_decref(json);
    assert_null(json_text_value(&at, end, DEPTH));
}

static void of_many_levels_none_is_lost(void **state)
{
    enum { LEVELS = 150 };
    char text[2 * LEVELS + 200], *at = text;

    /* down to more than are kept without memory, up, and down again */
    for (int i = 0; i < LEVELS; i++)
        *at++ = '[';
    for (int i = 1; i < LEVELS; i++)
        *at++ = ']';
    at = stpcpy(at, ",");
    for (int i = 0; i < 80; i++)
        *at++ = '[';
    for (int i = 0; i < 81; i++)
        *at++ = ']';
    json_t *json = json_text_parse(text, (size_t)(at - text), LEVELS, NULL);
    json_t *wanted = json_loadb(text, (size_t)(at - text), 0, NULL);
    assert_true(json_equal(json, wanted));
    json_decref(json);
    json_decref(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_have_the_words_and_places_of_cpython),
        cmocka_unit_test(what_we_refuse_beyond_that_is_named),
        cmocka_unit_test(long_duplicate_keys_are_cut_at_a_whole_character),
        cmocka_unit_test(values_survive),
        cmocka_unit_test(numbers_are_written_as_short_as_they_read_back),
        cmocka_unit_test(what_is_no_json_is_not_dumped),
        cmocka_unit_test(depth_costs_no_stack),
        cmocka_unit_test(what_is_json_is_what_jansson_says),
        cmocka_unit_test(a_damaged_text_is_read_as_jansson_reads_it),
        cmocka_unit_test(a_long_text_with_escapes_is_whole),
        cmocka_unit_test(a_value_is_read_without_what_follows),
        cmocka_unit_test(of_many_levels_none_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
