/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded: a disk that takes EIN_SYNC_US to write what it was given, for machines whose own
 * answers before it has. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OURS __attribute__((visibility("default")))

static int sync_slowly(long call, int fd)
{
    const char *wanted = getenv("EIN_SYNC_US");
    long long left_ns = wanted ? atoll(wanted) * 1000 : 0;
    struct timespec begin, now, rest;
    int r;

    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    r = (int)syscall(call, fd);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    left_ns -= (now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec;
    rest = (struct timespec){ left_ns / 1000000000, left_ns % 1000000000 };
    if (left_ns > 0)
        (void)nanosleep(&rest, NULL);
    return r;
}

OURS int fsync(int fd)
{
    return sync_slowly(SYS_fsync, fd);
}

OURS int fdatasync(int fd)
{
    return sync_slowly(SYS_fdatasync, fd);
}
