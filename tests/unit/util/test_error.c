/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "str.h"
#include "unit.h"
#include <string.h>

static void setting_returns_the_code(void **state)
{
    struct ein_error err;

    assert_int_equal(error_set(&err, EIN_E_CONFLICT, "rev %d", 3), EIN_E_CONFLICT);
    assert_int_equal(err.code, EIN_E_CONFLICT);
    assert_string_equal(err.text, "rev 3");
    assert_int_equal(error_set(NULL, EIN_E_BUSY, "x"), EIN_E_BUSY);
    assert_int_equal(error_no_memory(&err), EIN_E_NO_MEMORY);
    assert_string_equal(err.text, "The server is out of memory at the moment.");
}

static void long_texts_end_at_a_whole_character(void **state)
{
    static const char *const characters[] = { "é", "€", "😀", "x" };
    struct ein_error err;
    char text[600];

    for (size_t c = 0; c < 4; c++)
        for (size_t shift = 0; shift < 4; shift++) {
            memset(text, 'a', shift);
            text[shift] = '\0';
            while (strlen(text) < 500)
                (void)strcat(text, characters[c]);
            (void)error_set(&err, EIN_E_INVALID, "%s", text);
            assert_true(strlen(err.text) > sizeof(err.text) - 5);
            assert_true(str_is_utf8(err.text, strlen(err.text)));
            assert_memory_equal(err.text, text, strlen(err.text));
        }
}

static void what_a_plugin_has_written_is_ended_and_utf8(void **state)
{
    struct ein_error err = { .text = "a \xc3 \xff\xfe\xe2\x82\xac \xe2\x82 z" };

    assert_int_equal(error_due(&err, EIN_E_BUSY), EIN_E_BUSY);
    assert_string_equal(err.text, "a  \xe2\x82\xac  z");
    memset(err.text, 'x', sizeof(err.text));
    (void)error_due(&err, EIN_E_BUSY);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    memset(err.text, 0xff, sizeof(err.text));
    (void)error_due(&err, EIN_E_BUSY);
    assert_string_equal(err.text, "it failed with code -12 and gave no reason");
}

__attribute__((format(printf, 3, 4))) static void format(char *to, size_t size, const char *fmt,
                                                         ...)
{
    va_list args;

    va_start(args, fmt);
    str_vformat(to, size, fmt, args);
    va_end(args);
}

static void texts_that_tell_nothing_else_are_formatted_too(void **state)
{
    char text[8];

    format(text, sizeof(text), "plain");
    assert_string_equal(text, "plain");
    format(text, sizeof(text), "exactly");
    assert_string_equal(text, "exactly");
    format(text, sizeof(text), "abcdef€");
    assert_string_equal(text, "abcdef");
    format(text, sizeof(text), "5 %%");
    assert_string_equal(text, "5 %");
}

static void a_precision_leaves_no_part_of_a_character(void **state)
{
    struct ein_error err;

    (void)error_set(&err, EIN_E_INVALID, "'%.3s' and '%.4s' of %s", "aéé", "😀😀", "😀");
    assert_string_equal(err.text, "'aé' and '😀' of 😀");
    (void)error_set(&err, EIN_E_INVALID, "'%.2s' and '%.3s' of %s", "aéé", "😀😀", "\xff\xc3x");
    assert_string_equal(err.text, "'a' and '' of x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_returns_the_code),
        cmocka_unit_test(long_texts_end_at_a_whole_character),
        cmocka_unit_test(what_a_plugin_has_written_is_ended_and_utf8),
        cmocka_unit_test(texts_that_tell_nothing_else_are_formatted_too),
        cmocka_unit_test(a_precision_leaves_no_part_of_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
