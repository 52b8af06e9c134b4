/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Is VALUE (NULL: there is none) what the schema says, as far as type, enum, const, required,
 * properties and items go? */
bool json_fits(const json_t *schema, const json_t *value);

/* Is it of this type of JSON Schema?  Everything is of one that is unknown. */
bool json_is_of(const json_t *value, const char *type);
