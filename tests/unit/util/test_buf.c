/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "unit.h"
#include <einion/plugin.h>
#include <stdlib.h>
#include <string.h>

static void grows_and_stays_a_text(void **state)
{
    struct buf buf;
    size_t len;
    char *text;

    buf_init(&buf, 1000);
    for (int i = 0; i < 300; i++)
        assert_int_equal(buf_char(&buf, 'x'), 0);
    assert_int_equal(buf_printf(&buf, "%d-%s", 42, "end"), 0);
    assert_int_equal(buf.len, 306);
    assert_int_equal(buf.data[306], '\0');

    text = buf_take(&buf, &len);
    assert_int_equal(len, 306);
    assert_string_equal(text + 300, "42-end");
    free(text);
    assert_null(buf.data);
}

static void its_maximum_holds_to_the_byte(void **state)
{
    struct buf buf;

    buf_init(&buf, 4);
    assert_int_equal(buf_text(&buf, "1234"), 0);
    assert_int_equal(buf_char(&buf, '5'), EIN_E_TOO_LARGE);
    assert_string_equal(buf.data, "1234");
    buf_done(&buf);
}

static void first_failure_sticks_until_cleared(void **state)
{
    struct buf buf;

    buf_init(&buf, 4);
    assert_int_equal(buf_text(&buf, "12345"), EIN_E_TOO_LARGE);
    assert_int_equal(buf_char(&buf, '1'), EIN_E_TOO_LARGE);
    assert_null(buf_take(&buf, NULL));

    (void)buf_text(&buf, "12345");
    buf_clear(&buf);
    assert_int_equal(buf_text(&buf, "123"), 0);
    buf_done(&buf);
}

static void long_formats_are_whole(void **state)
{
    char wide[600];
    struct buf buf;

    memset(wide, 'w', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    buf_init(&buf, 10000);
    assert_int_equal(buf_printf(&buf, "<%s>", wide), 0);
    assert_int_equal(buf.len, 601);
    assert_int_equal(buf.data[600], '>');
    buf_done(&buf);
}

static void nothing_added_is_an_empty_text(void **state)
{
    struct buf buf;
    char *text;

    buf_init(&buf, 10);
    assert_string_equal(buf_str(&buf), "");
    text = buf_take(&buf, NULL);
    assert_string_equal(text, "");
    free(text);
}

static void what_is_dropped_makes_room(void **state)
{
    struct buf buf;

    buf_init(&buf, 5);
    assert_int_equal(buf_text(&buf, "abcde"), 0);
    buf_drop(&buf, 3);
    assert_string_equal(buf_str(&buf), "de");
    assert_int_equal(buf_text(&buf, "fgh"), 0);
    buf_drop(&buf, 5);
    assert_string_equal(buf_str(&buf), "");
    buf_done(&buf);
}

static void lent_storage_is_left_when_it_is_too_small(void **state)
{
    char storage[8];
    struct buf buf;
    size_t len;
    char *text;

    buf_init_in(&buf, storage, sizeof(storage), 100);
    assert_string_equal(buf_str(&buf), "");
    assert_int_equal(buf_text(&buf, "1234567"), 0);
    assert_ptr_equal(buf.data, storage);
    assert_int_equal(buf_char(&buf, '8'), 0);
    assert_ptr_not_equal(buf.data, storage);
    assert_string_equal(buf_str(&buf), "12345678");
    buf_done(&buf);

    buf_init_in(&buf, storage, sizeof(storage), 100);
    assert_int_equal(buf_text(&buf, "mine"), 0);
    text = buf_take(&buf, &len);
    assert_int_equal(len, 4);
    assert_ptr_not_equal(text, storage);
    assert_string_equal(text, "mine");
    free(text);

    buf_init_in(&buf, storage, sizeof(storage), 3);
    assert_int_equal(buf_text(&buf, "123"), 0);
    assert_int_equal(buf_char(&buf, '4'), EIN_E_TOO_LARGE);
    assert_null(buf_take(&buf, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_a_text),
        cmocka_unit_test(its_maximum_holds_to_the_byte),
        cmocka_unit_test(first_failure_sticks_until_cleared),
        cmocka_unit_test(long_formats_are_whole),
        cmocka_unit_test(nothing_added_is_an_empty_text),
        cmocka_unit_test(what_is_dropped_makes_room),
        cmocka_unit_test(lent_storage_is_left_when_it_is_too_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
