/* SPDX-License-Identifier: Apache-2.0 */
/* What a call has cost, as a document of "ledger_entries". */
#pragma once

#include "users.h"

/* Its text, for free(): once it is made nobody reads it, but who has to recover it. */
int entry_write(const struct ein_host *host, const struct ein_ledger_entry *entry, char **ret_text,
                struct ein_error *err);

/* For ein_query.where and its order: those of one user are found by `userTime` in theirs. */
json_t *entry_where(const char *uid, int64_t from_us, int64_t to_us);
json_t *entry_where_all(int64_t from_us, int64_t to_us);
