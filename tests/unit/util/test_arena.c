/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"
#include "unit.h"
#include <string.h>

static void pieces_are_zeroed_and_aligned(void **state)
{
    char first[100];
    struct arena arena;

    memset(first, 0x55, sizeof(first));
    arena_init(&arena, first + 1, sizeof(first) - 1, 100000);
    for (size_t size = 1; size < 200; size++) {
        unsigned char *piece = arena_alloc(&arena, size);

        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(piece[i], 0);
        memset(piece, 0xaa, size);
    }
    arena_done(&arena);
}

static void storage_of_the_caller_is_used_first(void **state)
{
    _Alignas(max_align_t) char first[64];
    struct arena arena;

    arena_init(&arena, first, sizeof(first), 1000);
    assert_ptr_equal(arena_alloc(&arena, 64), first);
    assert_null(arena.blocks);
    assert_non_null(arena_alloc(&arena, 1));
    assert_non_null(arena.blocks);
    arena_done(&arena);
}

static void maximum_ends_it(void **state)
{
    struct arena arena;

    arena_init(&arena, NULL, 0, 1000);
    assert_non_null(arena_alloc(&arena, 999));
    assert_null(arena_alloc(&arena, 2));
    assert_non_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_text(&arena, "", SIZE_MAX));
    arena_done(&arena);
}

static void texts_are_copies(void **state)
{
    struct arena arena;

    arena_init(&arena, NULL, 0, 100000);
    assert_string_equal(arena_text(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_text(&arena, NULL, 0), "");
    assert_string_equal(arena_printf(&arena, "%s/%d", "x", 7), "x/7");
    assert_int_equal(strlen(arena_printf(&arena, "%09000d", 7)), 9000);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_and_aligned),
        cmocka_unit_test(storage_of_the_caller_is_used_first),
        cmocka_unit_test(maximum_ends_it),
        cmocka_unit_test(texts_are_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
