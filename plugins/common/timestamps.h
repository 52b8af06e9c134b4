/* SPDX-License-Identifier: Apache-2.0 */
/* The server's clock, in the words of plugins. */
#ifndef TIMESTAMPS_H
#define TIMESTAMPS_H

#include "clock.h"

enum { TIMESTAMP_SIZE = CLOCK_ISO_SIZE }; /* bytes, with the NUL */

static inline int64_t now_us(void) /* since the epoch */
{
    return clock_wall_us();
}

static inline int64_t now_ms(void)
{
    return clock_wall_us() / 1000;
}

static inline int64_t mono_us(void) /* of a clock that only goes forward */
{
    return clock_mono_us();
}

static inline int64_t mono_ms(void)
{
    return clock_mono_ms();
}

/* The moment on that clock in so many milliseconds, for pthread_cond_clockwait(). */
static inline struct timespec mono_in_ms(int64_t ms)
{
    return clock_deadline(ms);
}

/* The present as "2026-11-23T14:05:59.123456Z". */
static inline void timestamp_now(char ret_text[TIMESTAMP_SIZE])
{
    clock_iso(ret_text);
}

/* The moment so many milliseconds after the epoch. */
static inline void timestamp_of_ms(int64_t ms, char ret_text[TIMESTAMP_SIZE])
{
    clock_iso_at(ret_text, ms * 1000);
}

#endif
