/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "fixture.h"
#include <orcania.h>
#include <string.h>

enum { PIECES = 300 };

/* More than there is room for: some are in the scratch, others on the heap. */
static void pieces_keep_what_is_in_them_wherever_they_are(void **state)
{
    char *pieces[PIECES];

    scratch_begin();
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = memset(o_malloc(i + 1), (int)(i & 0xff), i + 1);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
    }
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = o_realloc(pieces[i], 2 * i + 50);
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t at = 0; at <= i; at++)
            assert_int_equal((unsigned char)pieces[i][at], i & 0xff);
        o_free(pieces[i]);
    }
    o_free(o_realloc(NULL, 100000));
}

static void the_next_request_begins_where_this_one_did(void **state)
{
    const void *first;

    scratch_begin();
    first = o_strdup("first");
    scratch_begin();
    assert_ptr_equal(o_strdup("next"), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_keep_what_is_in_them_wherever_they_are),
        cmocka_unit_test(the_next_request_begins_where_this_one_did),
    };

    scratch_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
