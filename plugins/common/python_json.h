/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* `value` as Python's json.dumps() writes it: ASCII only, ", " and ": " between, floats as
 * repr() has them.  At most `size` bytes with the NUL go into `text` (may be NULL if size is
 * 0).  Returns the length of the whole, without the NUL. */
size_t python_json(const json_t *value, char *text, size_t size);
