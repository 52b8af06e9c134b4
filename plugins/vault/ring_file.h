/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ring.h"

#include <stdbool.h>
#include <sys/stat.h>

/* NOT_FOUND: there is no such file.  DENIED: others than its owner may read or write it.  *ret_seen
 * is for ring_file_changed(). */
int ring_file_read(const char *path, struct ring *ret_ring, struct stat *ret_seen,
                   struct ein_error *err);
/* Whole, mode 0600 and on disk, or not at all; the caller has locked it alone.  CONFLICT: `is_new`,
 * and there is one. */
int ring_file_write(const char *path, const struct ring *ring, bool is_new, struct ein_error *err);
bool ring_file_changed(const char *path, const struct stat *seen);

/* Whoever writes a secret holds it shared, whoever adds or drops a key alone: no secret is sealed
 * by a key that is being dropped, in whatever process.  The descriptor; close() lets go. */
int ring_file_lock(const char *path, bool alone, struct ein_error *err);
