/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* `text` with all but letters, digits, "-._~" and what is in `allowed` as %XX; free().  NULL: no
 * memory. */
char *percent_encode(const char *text, const char *allowed);
/* Decodes %XX in place of len bytes (no '+').  The new length, or -1: a bad escape, a NUL, or
 * bytes that are not UTF-8. */
long percent_decode(char *text, size_t len);
