/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* What TEXT, a plain scalar, is by the core schema of YAML 1.2 (10.3.2); infinities and "not a
 * number" stay text, for JSON has none.  NULL: it is not UTF-8. */
json_t *yaml_scalar(const char *text);
