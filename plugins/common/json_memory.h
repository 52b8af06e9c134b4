/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* The bytes that VALUE takes in memory, roughly: three to a hundred times what its text does. */
size_t json_memory(const json_t *value);
