/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* A section of the built-in configuration, but for `changes` (may be NULL), which need not be what
 * a configuration may say; json_decref. */
static inline json_t *section_with(const char *name, const json_t *changes)
{
    struct config *config;
    char *faults;
    json_t *section;

    if (config_load(NULL, NULL, &config, &faults) < 0) {
        (void)fprintf(stderr, "%s\n", faults ? faults : "no memory");
        abort();
    }
    section = json_copy((json_t *)config_section(config, name));
    config_free(config);
    if (!section || (changes && json_object_update(section, (json_t *)changes) < 0))
        abort();
    return section;
}
