/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <time.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_us(void); /* since the epoch */
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}

enum { CLOCK_ISO_SIZE = 28 };             /* "2026-01-31T23:59:59.123456Z" and a NUL */
void clock_iso(char out[CLOCK_ISO_SIZE]); /* now */
void clock_iso_at(char out[CLOCK_ISO_SIZE], int64_t wall_us);

/* An absolute CLOCK_MONOTONIC time `ms` from now, for pthread_cond_clockwait(); the kernel's
 * clock, which no test can move. */
struct timespec clock_deadline(int64_t ms);

/* Tests: adds `ms` to what all of the others report. */
void clock_skip_ms(int64_t ms);
