/* SPDX-License-Identifier: Apache-2.0 */
/* Money is an integer number of nano-dollars.  JSON shows dollars. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

#define MONEY_NANO INT64_C(1000000000) /* of a dollar */
/* Four million dollars: up to 2^22 the nearest double of an amount leads back to it. */
#define MONEY_MAX (INT64_C(4000000) * MONEY_NANO)

enum { MONEY_TEXT_SIZE = 32 };

/* The nearest amount, halves away from zero.  INVALID: not in 0 ... MONEY_MAX. */
int money_from_json(const json_t *dollars, int64_t *ret_nano, struct ein_error *err);
/* 50 for whole dollars, else the double that is nearest. */
json_t *money_to_json(int64_t nano);
/* Exact: "-0.000000001", "12.5", "3" */
void money_to_text(int64_t nano, char ret_text[MONEY_TEXT_SIZE]);

/* In 0 ... MONEY_MAX, else INVALID and what `name` has to be. */
int money_check(int64_t nano, const char *name, struct ein_error *err);
