/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "unit.h"
#include <stdlib.h>
#include <time.h>

static void dates_are_those_of_the_calendar(void **state)
{
    static const struct {
        int64_t us;
        const char *iso;
    } dates[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z" },
        { INT64_C(1769903999123456), "2026-01-31T23:59:59.123456Z" },
        { INT64_C(4107542399999999), "2100-02-28T23:59:59.999999Z" },
        { INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z" },
    };
    char iso[CLOCK_ISO_SIZE];

    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        clock_iso_at(iso, dates[i].us);
        assert_string_equal(iso, dates[i].iso);
    }
}

static void dates_agree_with_the_c_library(void **state)
{
    for (int64_t second = -3000000000; second < 9000000000; second += 86399 * 31) {
        char iso[CLOCK_ISO_SIZE], expected[CLOCK_ISO_SIZE];
        time_t when = second;
        struct tm tm;

        (void)gmtime_r(&when, &tm);
        (void)strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
        clock_iso_at(iso, second * 1000000);
        assert_string_equal(iso, expected);
    }
}

static void skipping_moves_every_clock_but_the_deadline(void **state)
{
    int64_t mono = clock_mono_ms();
    struct timespec before = clock_deadline(1500), after;

    clock_skip_ms(100000);
    assert_true(clock_mono_ms() >= mono + 100000);
    after = clock_deadline(1500);
    assert_true(after.tv_sec - before.tv_sec < 50);
    clock_skip_ms(-100000);
    assert_true(clock_mono_ms() < mono + 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(skipping_moves_every_clock_but_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
