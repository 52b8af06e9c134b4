/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIMESTAMPS_H
#define TIMESTAMPS_H

#include <stdint.h>

enum { TIMESTAMP_SIZE = 28 }; /* bytes, with the NUL */

/* The present as "2026-11-23T14:05:59.123456Z". */
void timestamp_now(char ret_text[TIMESTAMP_SIZE]);
/* So many milliseconds after the epoch, in the same form. */
void timestamp_at(int64_t ms, char ret_text[TIMESTAMP_SIZE]);

#endif
