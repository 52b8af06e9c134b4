/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include <stdlib.h>

#include "agent_folder.h"

static void a_folder_is_no_path(void **state)
{
    static const struct {
        const char *friendly, *name, *folder;
    } cases[] = {
        { "twice", "Twice", "twice" },
        { NULL, "Word counts", "Word_counts" },
        { "", "x", "x" },
        { "../../etc", "x", "_._.._etc" },
        { ".", "x", "_" },
        { "-rf", "x", "_rf" },
        { "/a\n\x1b", "x", "_a__" },
        { "ü", "x", "__" },
        { NULL, NULL, "agent" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *agent =
            json_pack("{s:s?, s:s?}", "friendlyName", cases[i].friendly, "name", cases[i].name);
        char *folder = agent_folder_name(agent);

        assert_string_equal(folder, cases[i].folder);
        free(folder);
        json_decref(agent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_folder_is_no_path) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
