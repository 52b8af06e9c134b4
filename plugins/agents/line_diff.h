/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* What has to change in FROM to make TO, line by line: an array of texts that begin with "-", "+"
 * or " " (up to three lines around each change), a "@@ -LINE,COUNT +LINE,COUNT @@" before each
 * piece, as unified diffs have them.  NULL: no memory. */
json_t *line_diff(const char *from, const char *to);
