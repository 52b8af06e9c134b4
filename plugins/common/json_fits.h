/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Is VALUE (NULL: there is none) what the schema says, as far as type, enum, const, required,
 * properties and items go? */
bool json_fits(const json_t *schema, const json_t *value);
