/* SPDX-License-Identifier: Apache-2.0 */
#include "config_source.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Either a tree or a fault comes out of every text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf faults;
    struct source source = { .name = "FILE", .origins = json_object(), .faults = &faults };
    json_t *tree;

    buf_init(&faults, CONFIG_FAULTS_MAX);
    tree = yaml_read(&source, "", (const char *)data, size);
    if (!tree && source.fault_count == 0)
        abort();
    json_decref(tree);
    json_decref(source.origins);
    buf_done(&faults);
    return 0;
}
