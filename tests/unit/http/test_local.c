/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "local.h"

static void local_names_are_told_from_those_that_only_look_like_it(void **state)
{
    static const char *const allowed[] = { "front.example", "[2001:db8::1]", NULL };
    static const char *const good[] = { "localhost",      "localhost:80",    "a.b.LOCALHOST",
                                        "127.0.0.1:1",    "127.255.0.1",     "[::1]",
                                        "[::1]:8000",     "front.example:1", "FRONT.example",
                                        "[2001:db8::1]:2" };
    static const char *const bad[] = { "",
                                       "evil",
                                       "localhost.evil",
                                       "xlocalhost",
                                       "127.0.0.1.evil",
                                       "[::2]",
                                       "[::1",
                                       "::1",
                                       "localhost:8x",
                                       "localhost:80:80",
                                       "128.0.0.1",
                                       "0.0.0.0",
                                       "front.example.evil",
                                       "other.example",
                                       "xfront.example",
                                       "localhost@evil",
                                       ".localhost.evil",
                                       "[::1]evil" };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!local_is_host(good[i], allowed))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (local_is_host(bad[i], allowed))
            fail_msg("%s", bad[i]);
    assert_false(local_is_host(NULL, allowed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_names_are_told_from_those_that_only_look_like_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
