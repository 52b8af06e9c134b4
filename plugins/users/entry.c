/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include "cleanup.h"
#include "timestamps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Counts of tokens beyond what an integer of the store can be are no counts. */
static json_t *count(uint64_t tokens)
{
    return json_integer(tokens > INT64_MAX ? INT64_MAX : (json_int_t)tokens);
}

static json_t *make_tokens(const struct ein_ledger_entry *entry)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "input", count(entry->input_tokens), "cached",
                     count(entry->cached_tokens), "cacheWrite", count(entry->cache_write_tokens),
                     "output", count(entry->output_tokens), "reasoning",
                     count(entry->reasoning_tokens));
}

char *entry_time_key(const char *uid, int64_t us)
{
    char *key;

    return asprintf(&key, "%s|%020" PRId64, uid, us) < 0 ? NULL : key;
}

json_t *entry_make(const struct ein_ledger_entry *entry)
{
    int64_t us = now_us();
    char now[TIMESTAMP_SIZE];
    EIN_FREE char *key = entry_time_key(entry->user_id, us);

    timestamp_now(now);
    return json_pack(
        "{s:s, s:s?, s:s, s:I, s:I, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:O?, s:O?}", "userId",
        entry->user_id, "userTime", key, "timestamp", now, "createdAtUs", (json_int_t)us,
        "costNano", (json_int_t)entry->cost, "keyId", entry->key_id, "agentId", entry->agent_id,
        "runId", entry->run_id, "provider", entry->provider, "model", entry->model, "requestId",
        entry->request_id, "tokens", make_tokens(entry), "price", entry->price, "metadata",
        entry->metadata);
}

json_t *entry_where(const char *uid, int64_t from_us, int64_t to_us)
{
    EIN_FREE char *from = entry_time_key(uid, from_us);
    EIN_FREE char *to = entry_time_key(uid, to_us);

    return from && to ? json_pack("{s:s, s:{s:s, s:s}}", "userId", uid, "userTime", "$gte", from,
                                  "$lt", to)
                      : NULL;
}

json_t *entry_where_all(int64_t from_us, int64_t to_us)
{
    return json_pack("{s:{s:I, s:I}}", "createdAtUs", "$gte", (json_int_t)from_us, "$lt",
                     (json_int_t)to_us);
}
