/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct file_type {
    const char *suffix, *type;
    bool shrinks; /* compression is worth while */
};

/* By the end of the name, in any case; never NULL. */
const struct file_type *file_type(const char *path);
