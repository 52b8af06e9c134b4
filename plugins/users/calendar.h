/* SPDX-License-Identifier: Apache-2.0 */
/* Days and months of the Gregorian calendar, and when an allowance is due. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct zone;

enum { CALENDAR_DAY_SIZE = 48 /* bytes of "2026-11-24" and a NUL, in any year */ };

struct date {
    int64_t year;
    int32_t month, day; /* from 1 */
};

/* Days since 1 January 1970, and back. */
int64_t calendar_day(struct date date);
struct date calendar_date(int64_t day);
int calendar_weekday(int64_t day); /* 0: Sunday */
int calendar_month_days(int64_t year, int month);
int64_t calendar_floor_day(int64_t seconds);

/* The next moment behind AFTER_MS at which the month of an allowance begins: ANCHOR_MS, then each
 * month on its day and hour in ZONE, or on the month's last day where that is earlier.  ANCHOR_MS
 * 0: the first day, midnight. */
int64_t calendar_next_month(const struct zone *zone, int64_t anchor_ms, int64_t after_ms);

/* The "day", "week", from Monday on, or "month" of ZONE that MS is in: its first day, and the
 * moment at which the next one begins.  False: PERIOD is none of them. */
bool calendar_period(const struct zone *zone, const char *period, int64_t ms, int64_t *ret_day,
                     int64_t *ret_next_ms);

/* "2026-11-24" */
void calendar_date_text(int64_t day, char ret_text[CALENDAR_DAY_SIZE]);
/* That of the day in ZONE. */
void calendar_day_text(const struct zone *zone, int64_t ms, char ret_text[CALENDAR_DAY_SIZE]);

/* "2026-11-24" (midnight in ZONE; IS_END: the one behind it), "2026-11-24T14:05:59Z" with or
 * without a fraction and an offset, or milliseconds since the epoch. */
bool calendar_parse(const struct zone *zone, const char *text, bool is_end, int64_t *ret_ms);
