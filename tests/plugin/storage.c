/* SPDX-License-Identifier: Apache-2.0 */
#include "storage.h"

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: %s PLUGIN [SETTINGS]\n", argv[0]);
        return 2;
    }
    storage_backend_name = argv[1];
    storage_settings = argc == 3 ? argv[2] : "{}";
    return _cmocka_run_group_tests("documents", document_tests, document_test_count, NULL, NULL) +
           _cmocka_run_group_tests("find", find_tests, find_test_count, NULL, NULL) +
           _cmocka_run_group_tests("threads", thread_tests, thread_test_count, NULL, NULL);
}
