/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* May PATH be asked for?  No empty, "." or ".." part, none that begins with a dot but a first
 * ".well-known", no backslash, no control character. */
bool path_is_good(const char *path);

/* Opens the regular file PATH, which is good, below FOLDER for reading.  Symbolic links may lead
 * from place to place inside the folder, and nowhere else.  The descriptor, or -1. */
int open_inside(const char *folder, const char *path, struct stat *ret_stat);
