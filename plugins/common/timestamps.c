/* SPDX-License-Identifier: Apache-2.0 */
#include "timestamps.h"

#include <stdio.h>
#include <time.h>

static void write_utc(time_t seconds, long microseconds, char ret_text[TIMESTAMP_SIZE])
{
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t len = strftime(ret_text, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text + len, TIMESTAMP_SIZE - len, ".%06uZ", (unsigned)microseconds % 1000000u);
}

static int64_t us_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t now_ms(void)
{
    return us_of(CLOCK_REALTIME) / 1000;
}

int64_t now_us(void)
{
    return us_of(CLOCK_REALTIME);
}

int64_t mono_ms(void)
{
    return us_of(CLOCK_MONOTONIC) / 1000;
}

int64_t mono_us(void)
{
    return us_of(CLOCK_MONOTONIC);
}

struct timespec mono_in_ms(int64_t ms)
{
    int64_t at = mono_us() + ms * 1000;

    return (struct timespec){ (time_t)(at / 1000000), (long)(at % 1000000) * 1000 };
}

void timestamp_now(char ret_text[TIMESTAMP_SIZE])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    write_utc(now.tv_sec, now.tv_nsec / 1000, ret_text);
}

void timestamp_of_ms(int64_t ms, char ret_text[TIMESTAMP_SIZE])
{
    write_utc((time_t)(ms / 1000), (long)(ms % 1000) * 1000, ret_text);
}
