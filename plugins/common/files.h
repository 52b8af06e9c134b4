/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILES_H
#define FILES_H

#include <einion/plugin.h>

/* Makes the folders above PATH, mode 0700, where they are missing. */
int files_make_parents(const char *path, struct ein_error *err);
/* What root makes in the folder of another user is that user's: a service can use what a command of
 * its administrator has made.  PATH is that of FD. */
void files_give(int fd, const char *path);
/* What has happened to names in the folder of PATH is on disk. */
int files_sync_folder(const char *path, struct ein_error *err);

#endif
