/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Do arrays and objects nest deeper than `limit`?  jansson's parser calls itself for each level,
 * and the threads of connections have small stacks. */
bool json_deeper_than(const char *text, size_t len, unsigned limit);

/* The JSON object in `text`, without a member that comes twice; json_decref.  NULL: it is
 * something else, or nested deeper than `limit`, or there is no memory. */
json_t *json_object_read(const char *text, size_t len, unsigned limit);
