/* SPDX-License-Identifier: Apache-2.0 */
/* What calls have cost, by something that they have in common. */
#pragma once

#include "users.h"

struct report {
    const struct users *users;
    const char *uid; /* NULL: of all users */
    const char *by;  /* "day", "model", "agent", "key" or "user" */
    const char *time_zone;
    const struct zone *zone;
    int64_t from_ms, to_ms;
    const struct ein_cancel *cancel; /* once it has fired nobody waits for the report */
    json_t *groups; /* {label: counts}, in order of appearance; what has no label is "" */
    json_t *total;  /* counts */
    json_t *names;  /* {label: what people call it}, where labels are ids */
    size_t open, expired;
    int64_t unsettled;    /* nano-dollars that these may have cost */
    struct ein_error why; /* of a walk that ended early */
};

/* TOO_LARGE: more groups than a report may have; CANCELLED. */
int report_run(struct report *report, struct ein_error *err);
json_t *report_json(const struct report *report);
/* RFC 4180; free(). */
char *report_csv(const struct report *report, size_t *ret_len);
