/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stddef.h>

/* Files of those who use a server. */

/* PATH ("-": stdin), which has at most `max` bytes; free().  NOT_FOUND, TOO_LARGE, UNAVAILABLE;
 * INVALID: it holds a NUL. */
int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len,
              struct ein_error *err);
/* Likewise, a JSON object. */
int file_read_object(const char *path, size_t max, json_t **ret_object, struct ein_error *err);

/* In the place of PATH: whole or not at all. */
int file_write(const char *path, const char *text, unsigned mode, struct ein_error *err);
int file_write_json(const char *path, const json_t *json, unsigned mode, struct ein_error *err);

/* Makes the folder, and those above it, where they are missing. */
int file_make_folder(const char *path, unsigned mode, struct ein_error *err);
