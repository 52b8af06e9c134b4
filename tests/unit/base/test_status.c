/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"
#include "unit.h"
#include <string.h>

static void every_code_has_its_status_and_sentence(void **state)
{
    static const int statuses[] = { 0,   400, 404, 409, 403, 503, 504,
                                    499, 503, 501, 500, 413, 429, 507 };

    for (int i = 1; i <= 13; i++) {
        assert_int_equal(error_status(-i), statuses[i]);
        assert_true(strlen(error_text(-i)) > 5);
    }
    assert_string_equal(error_text(EIN_E_INTERNAL), "An internal server error occurred.");
}

static void unknown_codes_are_internal_errors(void **state)
{
    static const int codes[] = { 0, 1, -14, -1000000, 500 };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_int_equal(error_status(codes[i]), 500);
        assert_string_equal(error_text(codes[i]), error_text(EIN_E_INTERNAL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_status_and_sentence),
        cmocka_unit_test(unknown_codes_are_internal_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
