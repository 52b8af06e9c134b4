/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "account.h"

/* What is to be changed of a user's limits, in this order. */
struct limits {
    const struct users *users;
    bool has_allowance, has_date, has_spend;
    int64_t allowance; /* lowers what is left to it */
    int64_t date_ms;
    int64_t spend; /* what is left */
};

/* From the members of a body that are there and not null. */
int limits_read(const struct users *users, const json_t *body, struct limits *ret_limits,
                struct ein_error *err);
account_edit limits_edit;
