/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

enum { ROOT_PATHS_MAX = 64 };

struct root {
    char *hidden; /* the folder of the plugin, which agents are shown empty */
    size_t count;
    struct root_place {
        const char *path; /* as it is called, maybe through links */
        char *real;       /* as it is; NULL: does not exist */
        int tree;         /* a detached read-only copy of its mount */
        int is_dir;
    } places[ROOT_PATHS_MAX];
};

/* Both return NULL, or the name of the call that failed, with errno.
 * root_gather() copies the mounts of `paths` while they can be reached;
 * root_enter() makes a new root of them and moves the process into it. */
const char *root_gather(struct root *root, const char *const *paths, const char *runtime_dir);
const char *root_enter(struct root *root);

#define ROOT_RUNTIME_DIR "/ein" /* where runtime_dir is found in the new root */
