/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The header lines of a reply as an object of lower-case names.  Repeated ones are joined with
 * ", ", those of set-cookie are an array.  Bytes that are not UTF-8 are read as Latin-1.  NULL: no
 * memory. */
json_t *client_head_json(const char *lines, size_t len);

/* A header of a request: "Name: value" with a name of token characters and a value without control
 * characters. */
bool client_head_is_valid(const char *line);
/* Whether the name of "Name: value" is one of the (lower-case) names, NULL-ended. */
bool client_head_is_one_of(const char *line, const char *const *names);
const char *client_head_value(const char *line);
