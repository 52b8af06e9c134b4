/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIMITS_H
#define LIMITS_H

#include "config.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* The limits of the built-in configuration, but for `changes` (may be NULL), which need not be
 * what a configuration may say. */
static inline json_t *limits_with(const json_t *changes)
{
    struct config *config;
    char *faults;
    json_t *limits;

    if (config_load(NULL, NULL, &config, &faults) < 0) {
        (void)fprintf(stderr, "%s\n", faults ? faults : "no memory");
        abort();
    }
    limits = json_copy((json_t *)config_section(config, "limits"));
    config_free(config);
    if (!limits || (changes && json_object_update(limits, (json_t *)changes) < 0))
        abort();
    return limits;
}

#endif
