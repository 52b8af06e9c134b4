/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_rule.h"

#include "calendar.h"

enum { HOURS_MAX = 167, DAY_S = 86400, DEFAULT_TIME_S = 7200, NAME_MIN = 3 };

struct text {
    const char *at, *end;
};

/* ---- reading ---- */

static bool is_digit(const struct text *text)
{
    return text->at < text->end && *text->at >= '0' && *text->at <= '9';
}

static bool is_letter(const struct text *text)
{
    return text->at < text->end &&
           ((*text->at >= 'A' && *text->at <= 'Z') || (*text->at >= 'a' && *text->at <= 'z'));
}

static bool skip(struct text *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static bool read_number(struct text *text, int32_t min, int32_t max, int32_t *ret)
{
    int32_t value = 0;

    if (!is_digit(text))
        return false;
    for (; is_digit(text); text->at++) {
        value = value * 10 + (*text->at - '0');
        if (value > max)
            return false;
    }
    *ret = value;
    return value >= min;
}

/* "CET" or "<+0330>" */
static bool skip_name(struct text *text)
{
    const char *begin = text->at;

    if (!skip(text, '<')) {
        while (is_letter(text))
            text->at++;
        return text->at - begin >= NAME_MIN;
    }
    while (is_letter(text) || is_digit(text) ||
           (text->at < text->end && (*text->at == '+' || *text->at == '-')))
        text->at++;
    return text->at - begin > NAME_MIN && skip(text, '>');
}

/* "[+-]h[:m[:s]]" */
static bool read_time(struct text *text, int32_t hours_max, int32_t *ret_s)
{
    bool negative = skip(text, '-');
    int32_t hours, minutes = 0, seconds = 0;

    if (!negative)
        (void)skip(text, '+');
    if (!read_number(text, 0, hours_max, &hours))
        return false;
    if (skip(text, ':') && (!read_number(text, 0, 59, &minutes) ||
                            (skip(text, ':') && !read_number(text, 0, 59, &seconds))))
        return false;
    *ret_s = hours * 3600 + minutes * 60 + seconds;
    if (negative)
        *ret_s = -*ret_s;
    return true;
}

/* POSIX counts what is to be added to local time: west is positive. */
static bool read_offset(struct text *text, int32_t *ret_east_s)
{
    int32_t west_s;

    if (!read_time(text, 24, &west_s))
        return false;
    *ret_east_s = -west_s;
    return true;
}

static bool read_day(struct text *text, struct zone_date *date)
{
    if (skip(text, 'M')) {
        date->kind = ZONE_DAY_MONTH;
        return read_number(text, 1, 12, &date->month) && skip(text, '.') &&
               read_number(text, 1, 5, &date->week) && skip(text, '.') &&
               read_number(text, 0, 6, &date->day);
    }
    date->kind = skip(text, 'J') ? ZONE_DAY_JULIAN : ZONE_DAY_ZERO;
    return read_number(text, date->kind == ZONE_DAY_JULIAN, 365, &date->day);
}

static bool read_date(struct text *text, struct zone_date *date)
{
    date->time_s = DEFAULT_TIME_S;
    return skip(text, ',') && read_day(text, date) &&
           (!skip(text, '/') || read_time(text, HOURS_MAX, &date->time_s));
}

bool zone_rule_parse(const char *text, size_t len, struct zone_rule *ret_rule)
{
    struct zone_rule *rule = ret_rule;
    struct text at = { text, text + len };

    *rule = (struct zone_rule){ 0 };
    if (!skip_name(&at) || !read_offset(&at, &rule->standard_s))
        return false;
    if (at.at == at.end)
        return true;
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + 3600;
    if (!skip_name(&at))
        return false;
    if (at.at < at.end && *at.at != ',' && !read_offset(&at, &rule->summer_s))
        return false;
    return read_date(&at, &rule->begin) && read_date(&at, &rule->end) && at.at == at.end;
}

/* ---- asking ---- */

/* The day since the epoch on which DATE falls in YEAR. */
static int64_t day_of(const struct zone_date *date, int64_t year)
{
    int64_t first = calendar_day((struct date){ year, 1, 1 });

    if (date->kind == ZONE_DAY_ZERO)
        return first + date->day;
    if (date->kind == ZONE_DAY_JULIAN)
        return first + date->day - 1 +
               (date->day >= 60 && calendar_month_days(year, 2) == 29 ? 1 : 0);

    int64_t month = calendar_day((struct date){ year, date->month, 1 });
    int64_t day = month + (date->day - calendar_weekday(month) + 7) % 7 + (date->week - 1) * 7;
    return day < month + calendar_month_days(year, date->month) ? day : day - 7;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s)
{
    if (!rule->has_summer)
        return rule->standard_s;

    int64_t year = calendar_date(calendar_floor_day(utc_s + rule->standard_s)).year;
    int64_t begin = day_of(&rule->begin, year) * DAY_S + rule->begin.time_s - rule->standard_s;
    int64_t end = day_of(&rule->end, year) * DAY_S + rule->end.time_s - rule->summer_s;
    bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;

    return summer ? rule->summer_s : rule->standard_s;
}
