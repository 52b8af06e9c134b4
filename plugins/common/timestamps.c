/* SPDX-License-Identifier: Apache-2.0 */
#include "timestamps.h"

#include <stdio.h>
#include <time.h>

void timestamp_now(char ret_text[TIMESTAMP_SIZE])
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(ret_text, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text + len, TIMESTAMP_SIZE - len, ".%06uZ",
             (unsigned)(now.tv_nsec / 1000) % 1000000u);
}
