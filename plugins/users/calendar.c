/* SPDX-License-Identifier: Apache-2.0 */
#include "calendar.h"

#include "zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400, MS = 1000, MS_DIGITS_MAX = 15 };

/* ---- days ---- */

/* Years begin in March: the odd day is then the last of its year. */
int64_t calendar_day(struct date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date calendar_date(int64_t day)
{
    day += 719468;
    int64_t era = (day >= 0 ? day : day - 146096) / 146097;
    int64_t of_era = day - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct date date = { .day = (int32_t)(of_year - (153 * month + 2) / 5 + 1),
                         .month = (int32_t)(month < 10 ? month + 3 : month - 9) };

    date.year = year + era * 400 + (date.month <= 2);
    return date;
}

int calendar_weekday(int64_t day)
{
    return (int)(((day + 4) % 7 + 7) % 7);
}

int calendar_month_days(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t calendar_floor_day(int64_t seconds)
{
    return floor_div(seconds, DAY_S);
}

/* ---- months ---- */

static struct date next_month(struct date date)
{
    return date.month < 12 ? (struct date){ date.year, date.month + 1, date.day }
                           : (struct date){ date.year + 1, 1, date.day };
}

static int64_t to_local(const struct zone *zone, int64_t ms)
{
    int64_t seconds = floor_div(ms, MS);

    return seconds + zone_offset(zone, seconds);
}

/* The moment in the month of DATE. */
static int64_t moment_in(const struct zone *zone, struct date date, int64_t anchor_day,
                         int64_t time_s)
{
    int days = calendar_month_days(date.year, date.month);

    date.day = (int32_t)(anchor_day < days ? anchor_day : days);
    return zone_to_utc(zone, calendar_day(date) * DAY_S + time_s) * MS;
}

int64_t calendar_next_month(const struct zone *zone, int64_t anchor_ms, int64_t after_ms)
{
    int64_t anchor_day = 1, time_s = 0;

    if (anchor_ms > after_ms)
        return anchor_ms;
    if (anchor_ms) {
        int64_t local = to_local(zone, anchor_ms), day = calendar_floor_day(local);
        anchor_day = calendar_date(day).day;
        time_s = local - day * DAY_S;
    }
    struct date month = calendar_date(calendar_floor_day(to_local(zone, after_ms)));
    int64_t moment = moment_in(zone, month, anchor_day, time_s);
    while (moment <= after_ms) {
        month = next_month(month);
        moment = moment_in(zone, month, anchor_day, time_s);
    }
    return moment;
}

/* ---- periods ---- */

bool calendar_period(const struct zone *zone, const char *period, int64_t ms, int64_t *ret_day,
                     int64_t *ret_next_ms)
{
    int64_t first = calendar_floor_day(to_local(zone, ms)), next = first + 1;

    if (strcmp(period, "week") == 0) {
        first -= (calendar_weekday(first) + 6) % 7;
        next = first + 7;
    } else if (strcmp(period, "month") == 0) {
        struct date month = calendar_date(first);
        month.day = 1;
        first = calendar_day(month);
        next = calendar_day(next_month(month));
    } else if (strcmp(period, "day") != 0) {
        return false;
    }
    *ret_day = first;
    *ret_next_ms = zone_to_utc(zone, next * DAY_S) * MS;
    return true;
}

/* ---- text ---- */

void calendar_date_text(int64_t day, char ret_text[CALENDAR_DAY_SIZE])
{
    struct date date = calendar_date(day);

    snprintf(ret_text, CALENDAR_DAY_SIZE, "%04" PRId64 "-%02d-%02d", date.year, (int)date.month,
             (int)date.day);
}

void calendar_day_text(const struct zone *zone, int64_t ms, char ret_text[CALENDAR_DAY_SIZE])
{
    calendar_date_text(calendar_floor_day(to_local(zone, ms)), ret_text);
}

/* LEN digits. */
static bool take_digits(const char **at, size_t len, int64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < len; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *ret = *ret * 10 + (**at - '0');
    }
    return true;
}

static bool take(const char **at, char c)
{
    if (**at != c)
        return false;
    ++*at;
    return true;
}

static bool take_date(const char **at, struct date *ret_date)
{
    int64_t month, day;

    if (!take_digits(at, 4, &ret_date->year) || !take(at, '-') || !take_digits(at, 2, &month) ||
        !take(at, '-') || !take_digits(at, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > calendar_month_days(ret_date->year, (int)month))
        return false;
    ret_date->month = (int32_t)month;
    ret_date->day = (int32_t)day;
    return true;
}

/* Digits behind the third are dropped. */
static void take_fraction(const char **at, int64_t *ms)
{
    int64_t weight = 100;

    if (!take(at, '.'))
        return;
    for (; **at >= '0' && **at <= '9'; ++*at, weight /= 10)
        *ms += (**at - '0') * weight;
}

/* "Z", "+01:00" */
static bool take_offset(const char **at, int64_t *ret_s)
{
    int64_t hours, minutes, sign = **at == '-' ? -1 : 1;

    *ret_s = 0;
    if (take(at, 'Z'))
        return true;
    if (!take(at, '+') && !take(at, '-'))
        return false;
    if (!take_digits(at, 2, &hours) || !take(at, ':') || !take_digits(at, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_time(const char **at, int64_t *ret_ms)
{
    int64_t hours, minutes, seconds;

    if (!take_digits(at, 2, &hours) || !take(at, ':') || !take_digits(at, 2, &minutes) ||
        !take(at, ':') || !take_digits(at, 2, &seconds) || hours > 23 || minutes > 59 ||
        seconds > 59)
        return false;
    *ret_ms = (hours * 3600 + minutes * 60 + seconds) * MS;
    take_fraction(at, ret_ms);
    return true;
}

bool calendar_parse(const struct zone *zone, const char *text, bool is_end, int64_t *ret_ms)
{
    size_t digits = strspn(text, "0123456789");
    int64_t time_ms, offset_s;
    struct date date;

    if (digits > 0 && digits <= MS_DIGITS_MAX && !text[digits])
        return take_digits(&text, digits, ret_ms);
    if (!take_date(&text, &date))
        return false;
    if (!*text) {
        *ret_ms = zone_to_utc(zone, (calendar_day(date) + is_end) * DAY_S) * MS;
        return true;
    }
    if (!take(&text, 'T') || !take_time(&text, &time_ms) || !take_offset(&text, &offset_s) || *text)
        return false;
    *ret_ms = calendar_day(date) * DAY_S * MS + time_ms - offset_s * MS;
    return true;
}
