/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include <stdatomic.h>

/* The one variable of this room: a test moves time for the whole process. */
static _Atomic int64_t skipped_us;

static int64_t kernel_us(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t now_us(clockid_t id)
{
    return kernel_us(id) + atomic_load_explicit(&skipped_us, memory_order_relaxed);
}

int64_t clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

static char *put_digits(char *at, unsigned value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* Proleptic Gregorian date of a day number; years are counted from March so that the leap day
 * is the last of its year. */
static void civil(int64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t shifted = days + 719468; /* 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;

    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = (unsigned)(year + era * 400) + (*ret_month <= 2);
}

void clock_iso(char out[CLOCK_ISO_SIZE])
{
    clock_iso_at(out, clock_wall_us());
}

void clock_iso_at(char out[CLOCK_ISO_SIZE], int64_t wall_us)
{
    int64_t seconds = wall_us / 1000000, us = wall_us % 1000000, days, of_day;
    unsigned year, month, day;
    char *at = out;

    if (us < 0) {
        us += 1000000;
        seconds--;
    }
    days = seconds / 86400;
    of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }

    civil(days, &year, &month, &day);
    at = put_digits(at, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, (unsigned)(of_day / 3600), 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)(of_day / 60 % 60), 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)(of_day % 60), 2);
    *at++ = '.';
    at = put_digits(at, (unsigned)us, 6);
    *at++ = 'Z';
    *at = '\0';
}

struct timespec clock_deadline(int64_t ms)
{
    int64_t at_us = kernel_us(CLOCK_MONOTONIC) + ms * 1000;

    return (struct timespec){ at_us / 1000000, (long)(at_us % 1000000) * 1000 };
}

void clock_skip_ms(int64_t ms)
{
    (void)atomic_fetch_add_explicit(&skipped_us, ms * 1000, memory_order_relaxed);
}
