/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIMESTAMPS_H
#define TIMESTAMPS_H

enum { TIMESTAMP_SIZE = 28 }; /* bytes, with the NUL */

/* The present as "2026-11-23T14:05:59.123456Z". */
void timestamp_now(char ret_text[TIMESTAMP_SIZE]);

#endif
