/* SPDX-License-Identifier: Apache-2.0 */
/* A disk of any size, for a test whose executable exports its symbols: what the plugin asks of the
 * kernel ends up here.  Files of other folders are not on it. */
#pragma once

#include <stdint.h>

/* BYTES: what the files of FOLDER may take together; NULL: the disk is as it is. */
void small_disk(const char *folder, int64_t bytes);
int64_t small_disk_used(void);
