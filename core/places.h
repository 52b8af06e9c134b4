/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* Where plugins are looked for: `extra` (array of text, the setting plugin_dir), the environment's
 * EIN_PLUGIN_DIR (folders with ':' between), then the server's own: beside the build folder's
 * binary, or where they were installed relative to it.  NULL-ended; places_free(); NULL: no memory.
 */
char **places_plugin_dirs(const json_t *extra);
void places_free(char **places);
