/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "yaml_tree.h"
#include <einion/plugin.h>
#include <jansson.h>

enum { YAML_DEPTH_MAX = 16 };

/* TEXT, one document of YAML (or JSON) without anchors and tags, as JSON.  *ret_lines is {place:
 * line} of every member, for line_of().  INVALID: "NAME:LINE: place: what is wrong". */
int yaml_parse(const char *name, const char *text, size_t len, json_t **ret_json,
               json_t **ret_lines, struct ein_error *err);

/* The line of `path`, or of the member nearest above it that is there; 0: none is. */
int64_t yaml_line_of(const json_t *lines, const char *path);
