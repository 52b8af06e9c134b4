/* SPDX-License-Identifier: Apache-2.0 */
/* The rule behind the last transition of a TZif file: "CET-1CEST,M3.5.0,M10.5.0/3". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_day_kind { ZONE_DAY_JULIAN, ZONE_DAY_ZERO, ZONE_DAY_MONTH };

struct zone_date {
    enum zone_day_kind kind;
    int32_t month, week, day; /* JULIAN: day 1 ... 365, no 29 February; ZERO: 0 ... 365 */
    int32_t time_s;           /* of the day, may be negative or beyond it */
};

struct zone_rule {
    int32_t standard_s, summer_s; /* east of Greenwich */
    bool has_summer;
    struct zone_date begin, end; /* of summer time */
};

bool zone_rule_parse(const char *text, size_t len, struct zone_rule *ret_rule);
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s);
