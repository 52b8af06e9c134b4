/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: the time of day is now an hour early, now an hour late; the monotonic clock is
 * what it is. */
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HOUR_S = 3600 };

#define EXPORT __attribute__((visibility("default")))

EXPORT int clock_gettime(clockid_t clock, struct timespec *now)
{
    static atomic_uint calls;
    int r = (int)syscall(SYS_clock_gettime, clock, now);

    if (r == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += atomic_fetch_add(&calls, 1) % 2 ? HOUR_S : -HOUR_S;
    return r;
}

EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec then;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &then) < 0)
        return -1;
    now->tv_sec = then.tv_sec;
    now->tv_usec = then.tv_nsec / 1000;
    return 0;
}

EXPORT time_t time(time_t *ret_now)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        return -1;
    if (ret_now)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}
