/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdint.h>

struct file_limits {
    size_t max_bytes, max_files;
};

/* `catalog` (may be NULL) with the file of this text added and everything checked.  INVALID:
 * "NAME:LINE: place: what is wrong". */
int files_add_text(const char *name, const char *text, size_t len, const json_t *catalog,
                   json_t **ret_catalog, struct ein_error *err);
int files_add(const char *path, size_t max_bytes, const json_t *catalog, json_t **ret_catalog,
              struct ein_error *err);

/* With every *.yaml, *.yml and *.json of the folder, in the order of their names. */
int files_add_folder(const char *path, const struct file_limits *limits, const json_t *catalog,
                     json_t **ret_catalog, struct ein_error *err);
/* Changes when a file of the folder has; 0: it cannot be read. */
uint64_t files_print(const char *path);
