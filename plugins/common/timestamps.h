/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIMESTAMPS_H
#define TIMESTAMPS_H

#include <stdint.h>
#include <time.h>

enum { TIMESTAMP_SIZE = 28 }; /* bytes, with the NUL */

int64_t now_ms(void); /* since the epoch */
int64_t now_us(void);
int64_t mono_ms(void); /* of a clock that only goes forward */
int64_t mono_us(void);
/* The moment on that clock in so many milliseconds, for pthread_cond_clockwait(). */
struct timespec mono_in_ms(int64_t ms);
/* The present as "2026-11-23T14:05:59.123456Z". */
void timestamp_now(char ret_text[TIMESTAMP_SIZE]);
/* The moment so many milliseconds after the epoch. */
void timestamp_of_ms(int64_t ms, char ret_text[TIMESTAMP_SIZE]);

#endif
