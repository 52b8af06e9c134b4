/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PERCENT_H
#define PERCENT_H

#include <stdbool.h>

/* `text` with all but letters, digits, "-._~" and what is in `allowed` as %XX; free().  NULL: no
 * memory. */
char *percent_encode(const char *text, const char *allowed);
/* In place; false: a bad escape, or a NUL. */
bool percent_decode(char *text);

#endif
