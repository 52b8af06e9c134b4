/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* YAML and environment -> one checked JSON tree, with every default filled in:
 *
 *   {"listen": {...}, "log": {...}, "limits": {...}, "http": {...}, "egress": {...},
 *    "storage": {...}, "plugins": [{"name", "plugin", "enabled", "settings": {...}}]}
 *
 * config_schema.json is the schema of the server's own sections; the settings of a plugin are
 * checked by whoever knows its schema, with config_plugin_check(). */
struct config;

/* path NULL: the built-in default, whose plugins a file without a list has, too.  sets:
 * "log.level=debug", NULL-ended, may be NULL, applied last.  All faults are reported at once in
 * *ret_faults (text, a line each "FILE:LINE: key: what is wrong; did you mean ...?", free()) with
 * EIN_E_INVALID. */
int config_load(const char *path, const char *const *sets, struct config **ret_config,
                char **ret_faults);
void config_free(struct config *config);

const json_t *config_json(const struct config *config);
/* The section of the tree at a dotted path, never NULL: {} if absent. */
const json_t *config_section(const struct config *config, const char *path);

/* Checks the settings of plugin number `index` against its schema text (may be NULL) and puts
 * the checked settings, with defaults, in their place.  On EIN_E_INVALID *ret_faults is as above.
 */
int config_plugin_check(struct config *config, size_t index, const char *schema_text,
                        char **ret_faults);

/* "FILE:LINE: plugins.NAME", where the instance is listed: what a fault of it begins with. */
void config_plugin_place(const struct config *config, const char *name, char *out, size_t size);

/* NAME from the environment, else the content of the file that NAME_FILE names, else of
 * $CREDENTIALS_DIRECTORY/NAME, without the last newline.  NULL if unset; free().  An empty NAME is
 * used only if there is neither file. */
char *config_secret(const char *name);
