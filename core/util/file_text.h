/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* A whole file of at most `max` bytes, NUL-ended; free().  NULL: errno, EFBIG for one that is
 * longer. */
char *file_text(const char *path, size_t max, size_t *ret_len);
/* Likewise what is left to read of FD; below 0: errno is why. */
char *file_text_of(int fd, size_t max, size_t *ret_len);
