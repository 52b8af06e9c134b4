/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Do arrays and objects nest deeper than `limit`?  jansson's parser calls itself for each level,
 * and the threads of connections have small stacks. */
bool json_deeper_than(const char *text, size_t len, unsigned limit);

enum { JSON_VALUE_BYTES = 250 }; /* that a value takes in memory at most, however short it is */

/* No fewer than there are values in the text, if it is JSON. */
size_t json_values(const char *text, size_t len);
/* Are these more than `max`?  Texts that are too short for it are not looked at. */
bool json_more_values_than(const char *text, size_t len, size_t max);
/* Takes those of one of several texts off what all may have; false: there are not so many left. */
bool json_take_values(const char *text, size_t len, size_t *left);

/* The JSON object in `text`, without a member that comes twice; json_decref.  NULL: it is
 * something else, or nested deeper than `limit`, or there is no memory. */
json_t *json_object_read(const char *text, size_t len, unsigned limit);
json_t *json_outer_read(const char *text, size_t len, unsigned limit); /* or an array */
