/* SPDX-License-Identifier: Apache-2.0 */
/* Money is an integer number of nano-dollars. */
#pragma once

#include "catalog.h"
#include "usage.h"

/* The most that the ledger takes at once. */
#define PRICE_MAX (INT64_C(4000000) * INT64_C(1000000000))

/* Exact, rounded up once at the end. */
int64_t price_cost(const struct model *model, const struct usage *usage);
/* Nothing that uses at most so many tokens, and searches so often, costs more. */
int64_t price_bound(const struct model *model, uint64_t input, uint64_t output, uint64_t searches);
bool price_is_free(const struct model *model); /* or not known */
