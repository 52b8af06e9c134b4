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

struct member {
    const char *name;
    json_t *take_value;
};

/* What json_pack() would make of them, in half the time; NULL where one is NULL. */
static json_t *object_of(const struct member *members, size_t count)
{
    EIN_JSON json_t *object = json_object();
    int failed = 0;

    for (size_t i = 0; i < count; i++)
        failed |= json_object_set_new_nocheck(object, members[i].name, members[i].take_value);
    return failed ? NULL : EIN_TAKE(object);
}

static json_t *make_tokens(const struct ein_ledger_entry *entry)
{
    const struct member members[] = {
        { "input", count(entry->input_tokens) },
        { "cached", count(entry->cached_tokens) },
        { "cacheWrite", count(entry->cache_write_tokens) },
        { "output", count(entry->output_tokens) },
        { "reasoning", count(entry->reasoning_tokens) },
    };

    return object_of(members, sizeof(members) / sizeof(members[0]));
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *value_or_null(const json_t *value)
{
    return value ? json_incref((json_t *)value) : json_null();
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
    const struct member members[] = {
        { "userId", json_string(entry->user_id) },
        { "userTime", text_or_null(key) },
        { "timestamp", json_string(now) },
        { "createdAtUs", json_integer(us) },
        { "costNano", json_integer(entry->cost) },
        { "keyId", text_or_null(entry->key_id) },
        { "agentId", text_or_null(entry->agent_id) },
        { "runId", text_or_null(entry->run_id) },
        { "provider", text_or_null(entry->provider) },
        { "model", text_or_null(entry->model) },
        { "requestId", text_or_null(entry->request_id) },
        { "tokens", make_tokens(entry) },
        { "price", value_or_null(entry->price) },
        { "metadata", value_or_null(entry->metadata) },
    };

    return object_of(members, sizeof(members) / sizeof(members[0]));
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
