/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "settings.h"

#include <stdbool.h>
#include <stddef.h>

struct death {
    const char *type; /* of the exception that it is shown as */
    char message[200];
};

/* What to say of a child that ended without a result.  `status` as of wait4(), -1:
 * its zygote died. */
struct death death_of(int status, uint32_t cpu_ms, bool starved, const struct limits *limits);

/* Did it end because it could not be isolated? */
bool death_is_isolation(int status, const char *output, size_t len);
