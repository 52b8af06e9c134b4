/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* A plugin file that was opened and checked.  It stays mapped until the process ends. */
struct plugin {
    struct ein_plugin about; /* zero beyond what the file knows */
    char *path;
    struct schema *settings; /* of about.config_schema; NULL if it has none */
};

/* which: an absolute path, or NAME for the first of DIR/NAME.so, DIR/NAME/NAME.so.  Runs nothing
 * but ein_plugin_v1().  NOT_FOUND, or INVALID: the text names the file, what it has and what this
 * server has. */
int plugin_open(const char *const *dirs, const char *which, struct plugin **ret_plugin,
                struct ein_error *err);
void plugin_close(struct plugin *plugin);
