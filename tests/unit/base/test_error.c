/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "error.h"
#include "str.h"
#include <string.h>

static void every_code_has_its_status_and_sentence(void **state)
{
    static const int statuses[] = { 0, 400, 404, 409, 403, 503, 504, 499, 503, 501, 500, 413, 429 };

    (void)state;
    for (int i = 1; i <= 12; i++) {
        assert_int_equal(error_status(-i), statuses[i]);
        assert_true(strlen(error_text(-i)) > 5);
    }
    assert_string_equal(error_text(EIN_E_INTERNAL), "An internal server error occurred.");
}

static void unknown_codes_are_internal_errors(void **state)
{
    static const int codes[] = { 0, 1, -13, -1000000, 500 };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_int_equal(error_status(codes[i]), 500);
        assert_string_equal(error_text(codes[i]), error_text(EIN_E_INTERNAL));
    }
}

static void setting_returns_the_code(void **state)
{
    struct ein_error err;

    (void)state;
    assert_int_equal(error_set(&err, EIN_E_CONFLICT, "rev %d", 3), EIN_E_CONFLICT);
    assert_int_equal(err.code, EIN_E_CONFLICT);
    assert_string_equal(err.text, "rev 3");
    assert_int_equal(error_set(NULL, EIN_E_BUSY, "x"), EIN_E_BUSY);
}

static void long_texts_end_at_a_whole_character(void **state)
{
    static const char *const characters[] = { "é", "€", "😀", "x" };
    struct ein_error err;
    char text[600];

    (void)state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_status_and_sentence),
        cmocka_unit_test(unknown_codes_are_internal_errors),
        cmocka_unit_test(setting_returns_the_code),
        cmocka_unit_test(long_texts_end_at_a_whole_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
