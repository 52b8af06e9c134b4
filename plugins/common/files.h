/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>

/* A new file is written beside its name, for its owner's eyes: under that name it is whole.  Opens
 * it for writing; CONFLICT if there is one of that name. */
int files_part_open(const char *path, char **ret_part, int *ret_fd, struct ein_error *err);
/* Gives it its name, on disk when this returns; or deletes it, also if R is a failure, which is
 * returned then. */
int files_part_end(const char *part, const char *path, int r, struct ein_error *err);
int files_cannot_write(const char *path, struct ein_error *err); /* why is in errno */

/* Makes the folders above PATH, mode 0700, where they are missing. */
int files_make_parents(const char *path, struct ein_error *err);
/* What root makes in the folder of another user is that user's: a service can use what a command of
 * its administrator has made.  PATH is that of FD. */
void files_give(int fd, const char *path);
/* What has happened to names in the folder of PATH is on disk. */
int files_sync_folder(const char *path, struct ein_error *err);
