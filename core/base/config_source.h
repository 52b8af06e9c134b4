/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "buf.h"
#include "yaml_tree.h"
#include <jansson.h>

enum {
    CONFIG_FILE_MAX = 1048576,
    CONFIG_DEPTH_MAX = 32,
    CONFIG_PATH_MAX = YAML_PLACE_MAX,
    CONFIG_WHY_MAX = YAML_WHY_MAX,
    CONFIG_FAULTS_MAX = 65536 /* bytes of the report */
};

/* Values on their way into the tree, and where each came from. */
struct source {
    const char *name; /* the file, or "--set" */
    json_t *origins;  /* {"limits.workers": "FILE:12"} */
    json_t
        *written; /* {"plugins.auth-google": "auth.providers.0.config"}: what is from elsewhere */
    struct buf *faults;
    size_t fault_count;
};

/* One line of the report.  origin NULL: the source's name. */
void source_fault(struct source *source, const char *origin, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Where the value at `path` was written, or what is around it: "FILE:12"; or NULL. */
const char *source_origin(const json_t *origins, const char *path);

/* Reads YAML text, whose values belong at `path` ("" is the top), with ${NAME} replaced.  NULL:
 * the text is not YAML of the kind we take, which was reported; lesser faults leave a gap where
 * they are. */
json_t *yaml_read(struct source *source, const char *path, const char *text, size_t len);

/* The text with ${NAME}, ${NAME:-otherwise} and $$ replaced; free().  NULL: *ret_why says what is
 * wrong. */
char *expand(const char *text, size_t len, char ret_why[CONFIG_WHY_MAX]);
