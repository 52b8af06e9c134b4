/* SPDX-License-Identifier: Apache-2.0 */
/* Money, time zones and months: what the plugin users calculates. */
#include "calendar.h"
#include "cleanup.h"
#include "money.h"
#include "no_keys.h"
#include "unit.h"
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZONES "/usr/share/zoneinfo"
#define DAY   INT64_C(86400)

/* ---- money ---- */

static int64_t nano_of(double dollars)
{
    EIN_JSON json_t *json = json_real(dollars);
    int64_t nano = -1;

    assert_int_equal(money_from_json(json, &nano, NULL), 0);
    return nano;
}

static void dollars_become_the_nearest_nano_dollars(void **state)
{
    assert_int_equal(nano_of(0), 0);
    assert_int_equal(nano_of(0.1), 100000000);
    assert_int_equal(nano_of(49.5), 49500000000);
    assert_int_equal(nano_of(1e-9), 1);
    assert_int_equal(nano_of(0.4e-9), 0);
    assert_int_equal(nano_of(0x1p-1074), 0);
    assert_int_equal(nano_of(0.123456789), 123456789);
    assert_int_equal(nano_of(4000000), MONEY_MAX);
    /* A half that is one, exactly: 0.5 * 2^-9 dollars are 976562.5 nano-dollars. */
    assert_int_equal(nano_of(0x1p-10), 976563);
    assert_int_equal(nano_of(1.1 + 2.2), 3300000000);
}

static void an_amount_outlives_the_way_through_json(void **state)
{
    srand(7);
    for (int i = 0; i < 100000; i++) {
        int64_t nano = ((int64_t)rand() << 31 | rand()) % (MONEY_MAX + 1), back = -1;
        EIN_JSON json_t *json = money_to_json(nano);
        assert_int_equal(money_from_json(json, &back, NULL), 0);
        assert_int_equal(back, nano);
    }
}

static void what_is_no_amount_is_refused(void **state)
{
    struct ein_error err;
    int64_t nano;
    EIN_JSON json_t *less = json_real(-1e-12);
    EIN_JSON json_t *more = json_real(4000000.1);
    EIN_JSON json_t *text = json_string("1");

    assert_int_equal(money_from_json(less, &nano, &err), EIN_E_INVALID);
    assert_int_equal(money_from_json(more, &nano, &err), EIN_E_INVALID);
    assert_int_equal(money_from_json(text, &nano, &err), EIN_E_INVALID);
    assert_string_equal(err.text, "An amount of money has to be from 0 to 4000000 dollars");
}

static void money_as_text_is_exact(void **state)
{
    static const struct {
        int64_t nano;
        const char *text;
    } cases[] = { { 0, "0" },
                  { 1, "0.000000001" },
                  { -1, "-0.000000001" },
                  { 1500000000, "1.5" },
                  { 100000000000, "100" },
                  { INT64_MIN, "-9223372036.854775808" } };
    char text[MONEY_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        money_to_text(cases[i].nano, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- zones ---- */

static struct zone *load(const char *name)
{
    struct ein_error err;
    struct zone *zone;

    if (zone_load(ZONES, name, &zone, &err) < 0)
        fail_msg("%s: %s", name, err.text);
    return zone;
}

/* The C library reads the same files: what it makes of them until the year 2200 is right. */
static void offsets_are_those_of_the_c_library(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin",     "America/New_York", "Asia/Kathmandu",    "Australia/Lord_Howe",
        "Africa/Casablanca", "Pacific/Apia",     "America/Sao_Paulo", "Asia/Tehran",
        "Europe/Dublin",     "Antarctica/Troll", "Etc/GMT+5",         "America/Nuuk",
        "Africa/Monrovia"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct zone *zone = load(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (time_t at = -2208988800; at < 7258118400; at += 5 * DAY / 7 + 1234) {
            struct tm local;
            localtime_r(&at, &local);
            if (zone_offset(zone, at) != local.tm_gmtoff)
                fail_msg("%s at %lld: %d, expected %ld", names[i], (long long)at,
                         zone_offset(zone, at), local.tm_gmtoff);
        }
        zone_free(zone);
    }
    unsetenv("TZ");
    tzset();
}

static int64_t moment(int64_t year, int month, int day, int hour, int minute)
{
    return calendar_day((struct date){ year, month, day }) * DAY + hour * 3600 + minute * 60;
}

static void skipped_and_repeated_hours_are_found(void **state)
{
    struct zone *berlin = load("Europe/Berlin");

    assert_int_equal(zone_to_utc(berlin, moment(2026, 7, 1, 0, 0)), moment(2026, 6, 30, 22, 0));
    assert_int_equal(zone_to_utc(berlin, moment(2026, 12, 1, 0, 0)), moment(2026, 11, 30, 23, 0));
    /* 02:30 does not exist on 29 March 2026, and is twice on 25 October. */
    assert_int_equal(zone_to_utc(berlin, moment(2026, 3, 29, 2, 30)), moment(2026, 3, 29, 1, 30));
    assert_int_equal(zone_to_utc(berlin, moment(2026, 10, 25, 2, 30)), moment(2026, 10, 25, 0, 30));
    zone_free(berlin);
}

static void a_name_leads_nowhere_else(void **state)
{
    static const char *const names[] = { "",        "../zoneinfo/UTC", "/etc/localtime", "Europe",
                                         "Europe/", "Mars/Olympus",    "zone.tab",       "a//b",
                                         "UTC\n" };
    struct ein_error err;
    struct zone *zone;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(zone_load(ZONES, names[i], &zone, &err), EIN_E_NOT_FOUND);
    assert_int_equal(zone_load(ZONES, "tzdata.zi", &zone, &err), EIN_E_NOT_FOUND);
}

/* ---- the calendar ---- */

static void days_are_those_of_the_c_library(void **state)
{
    for (int64_t day = -800000; day < 800000; day += 13) {
        time_t at = day * DAY;
        struct tm utc;
        gmtime_r(&at, &utc);
        struct date date = calendar_date(day);
        assert_int_equal(date.year, utc.tm_year + 1900);
        assert_int_equal(date.month, utc.tm_mon + 1);
        assert_int_equal(date.day, utc.tm_mday);
        assert_int_equal(calendar_weekday(day), utc.tm_wday);
        assert_int_equal(calendar_day(date), day);
    }
}

static void months_begin_where_they_are_anchored(void **state)
{
    struct zone *utc = load("UTC"), *tokyo = load("Asia/Tokyo");
    int64_t last = moment(2026, 1, 31, 9, 30) * 1000, at = last;
    static const int days[] = { 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    assert_int_equal(calendar_next_month(utc, 0, moment(2026, 11, 26, 12, 0) * 1000),
                     moment(2026, 12, 1, 0, 0) * 1000);
    assert_int_equal(calendar_next_month(utc, 0, moment(2026, 12, 1, 0, 0) * 1000),
                     moment(2027, 1, 1, 0, 0) * 1000);
    assert_int_equal(calendar_next_month(tokyo, 0, moment(2026, 11, 30, 16, 0) * 1000),
                     moment(2026, 12, 31, 15, 0) * 1000);
    assert_int_equal(calendar_next_month(utc, last, last - 1), last);
    for (int i = 0; i < 11; i++) {
        at = calendar_next_month(utc, last, at);
        assert_int_equal(at, moment(2026, 2 + i, days[i], 9, 30) * 1000);
    }
    /* A date in the past, as a front end may have set it in seconds. */
    assert_int_equal(calendar_next_month(utc, 1893456000, moment(2026, 11, 26, 0, 0) * 1000),
                     (moment(2026, 12, 22, 21, 57) + 36) * 1000);
    zone_free(utc);
    zone_free(tokyo);
}

static void times_are_read_strictly(void **state)
{
    static const char *const wrong[] = { "",
                                         "2026-13-01",
                                         "2026-02-29",
                                         "2026-1-1",
                                         "2026-01-01 ",
                                         "2026-01-01T00:00",
                                         "2026-01-01T00:00:00",
                                         "2026-01-01T24:00:00Z",
                                         "yesterday",
                                         "-1",
                                         "1234567890123456",
                                         "2026-01-01T00:00:00Zx",
                                         "202:-01-01",
                                         "2026-01-01T00:60:00Z",
                                         "2026-01-01T00:00:60Z",
                                         "2026-01-01T00:00:00+24:00",
                                         "2026-01-01T00:00:00+00:60" };
    struct zone *berlin = load("Europe/Berlin");
    int64_t ms;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (calendar_parse(berlin, wrong[i], false, &ms))
            fail_msg("'%s' was taken", wrong[i]);
    assert_true(calendar_parse(berlin, "2026-11-24", false, &ms));
    assert_int_equal(ms, moment(2026, 11, 23, 23, 0) * 1000);
    assert_true(calendar_parse(berlin, "2026-11-24", true, &ms));
    assert_int_equal(ms, moment(2026, 11, 24, 23, 0) * 1000);
    assert_true(calendar_parse(berlin, "2026-11-24T12:00:00.5+02:00", true, &ms));
    assert_int_equal(ms, moment(2026, 11, 24, 10, 0) * 1000 + 500);
    assert_true(calendar_parse(berlin, "2026-11-24T23:59:59-23:59", true, &ms));
    assert_int_equal(ms, (moment(2026, 11, 25, 23, 58) + 59) * 1000);
    assert_true(calendar_parse(berlin, "1740000000000", true, &ms));
    assert_int_equal(ms, 1740000000000);
    zone_free(berlin);
}

static void periods_begin_at_midnight_of_the_zone(void **state)
{
    struct zone *utc = load("UTC"), *berlin = load("Europe/Berlin");
    int64_t now = moment(2026, 11, 27, 23, 30) * 1000; /* a Friday; in Berlin it is Saturday */
    int64_t day, next_ms;

    assert_true(calendar_period(utc, "day", now, &day, &next_ms));
    assert_int_equal(day, calendar_day((struct date){ 2026, 11, 27 }));
    assert_int_equal(next_ms, moment(2026, 11, 28, 0, 0) * 1000);
    assert_true(calendar_period(berlin, "day", now, &day, &next_ms));
    assert_int_equal(day, calendar_day((struct date){ 2026, 11, 28 }));
    assert_int_equal(next_ms, moment(2026, 11, 28, 23, 0) * 1000);
    assert_true(calendar_period(utc, "week", now, &day, &next_ms));
    assert_int_equal(day, calendar_day((struct date){ 2026, 11, 23 }));
    assert_int_equal(next_ms, moment(2026, 11, 30, 0, 0) * 1000);
    assert_true(calendar_period(utc, "week", next_ms, &day, &next_ms));
    assert_int_equal(day, calendar_day((struct date){ 2026, 11, 30 }));
    assert_true(
        calendar_period(berlin, "month", moment(2026, 12, 31, 22, 59) * 1000, &day, &next_ms));
    assert_int_equal(day, calendar_day((struct date){ 2026, 12, 1 }));
    assert_int_equal(next_ms, moment(2026, 12, 31, 23, 0) * 1000);
    assert_true(calendar_period(berlin, "month", next_ms, &day, &next_ms));
    assert_int_equal(day, calendar_day((struct date){ 2027, 1, 1 }));
    assert_false(calendar_period(utc, "total", now, &day, &next_ms));
    zone_free(utc);
    zone_free(berlin);
}

/* ---- keys that are not there ---- */

static void it_is_remembered_that_there_is_no_key(void **state)
{
    struct no_keys *no_keys = no_keys_new(60000);
    uint64_t ticket;

    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_put(no_keys, "model_key/a/openai", ticket);
    assert_true(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    assert_false(no_keys_has(no_keys, "model_key/b/openai", &ticket));
    no_keys_forget(no_keys);
    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_free(no_keys);
}

static void what_was_read_before_a_key_was_put_is_not_remembered(void **state)
{
    struct no_keys *no_keys = no_keys_new(60000);
    uint64_t ticket;

    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_forget(no_keys);
    no_keys_put(no_keys, "model_key/a/openai", ticket);
    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_free(no_keys);
}

/* However many names there are, also where two want one place. */
static void nobody_is_told_of_anothers_missing_key(void **state)
{
    struct no_keys *no_keys = no_keys_new(60000);
    uint64_t ticket;
    char name[32];

    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_put(no_keys, "model_key/a/openai", ticket);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "model_key/%d/openai", i);
        assert_false(no_keys_has(no_keys, name, &ticket));
    }
    no_keys_free(no_keys);
}

static void the_memory_of_no_key_may_be_switched_off(void **state)
{
    struct no_keys *no_keys = no_keys_new(0);
    uint64_t ticket;

    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_put(no_keys, "model_key/a/openai", ticket);
    assert_false(no_keys_has(no_keys, "model_key/a/openai", &ticket));
    no_keys_free(no_keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dollars_become_the_nearest_nano_dollars),
        cmocka_unit_test(an_amount_outlives_the_way_through_json),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(money_as_text_is_exact),
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(skipped_and_repeated_hours_are_found),
        cmocka_unit_test(a_name_leads_nowhere_else),
        cmocka_unit_test(days_are_those_of_the_c_library),
        cmocka_unit_test(months_begin_where_they_are_anchored),
        cmocka_unit_test(periods_begin_at_midnight_of_the_zone),
        cmocka_unit_test(times_are_read_strictly),
        cmocka_unit_test(it_is_remembered_that_there_is_no_key),
        cmocka_unit_test(what_was_read_before_a_key_was_put_is_not_remembered),
        cmocka_unit_test(nobody_is_told_of_anothers_missing_key),
        cmocka_unit_test(the_memory_of_no_key_may_be_switched_off),
    };

    return cmocka_run_group_tests_name("users-parts", tests, NULL, NULL);
}
