/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"
#include "unit.h"

static void bytes_come_back_as_they_went(void **state)
{
    static const char bytes[] = "\x00\xab\xff\x10";
    char text[9], back[4];

    hex_encode(bytes, 4, text);
    assert_string_equal(text, "00abff10");
    assert_true(hex_decode(text, back, 4));
    assert_memory_equal(back, bytes, 4);
}

static void there_is_one_text_for_any_bytes(void **state)
{
    static const char *const others[] = { "", "0", "00a", "00AB", "0g", "00ab0", " 0ab", NULL };
    char out[2];

    for (size_t i = 0; others[i]; i++)
        assert_false(hex_decode(others[i], out, 2));
    assert_false(hex_decode(NULL, out, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_as_they_went),
        cmocka_unit_test(there_is_one_text_for_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
