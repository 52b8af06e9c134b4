/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* A list of texts (UTF-8) as Python's repr() writes it: ['a', "it's"].  free(); NULL: no memory. */
char *python_repr_list(const char *const *texts, size_t count);
