/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include "cleanup.h"
#include "timestamps.h"

#include <inttypes.h>
#include <stdio.h>

/* What is nothing takes no room: each call has an entry.  Zero is nothing, and so is NULL. */

static int put_text(json_t *object, const char *name, const char *text)
{
    return text ? json_object_set_new_nocheck(object, name, json_string(text)) : 0;
}

static int put_value(json_t *object, const char *name, const json_t *value)
{
    return value ? json_object_set_nocheck(object, name, (json_t *)value) : 0;
}

/* Counts of tokens beyond what an integer of the store can be are no counts. */
static int put_count(json_t *object, const char *name, uint64_t count)
{
    json_int_t shown = count > INT64_MAX ? INT64_MAX : (json_int_t)count;

    return count ? json_object_set_new_nocheck(object, name, json_integer(shown)) : 0;
}

static json_t *make_tokens(const struct ein_ledger_entry *entry)
{
    EIN_JSON json_t *tokens = json_object();
    int failed = put_count(tokens, "input", entry->input_tokens) |
                 put_count(tokens, "cached", entry->cached_tokens) |
                 put_count(tokens, "cacheWrite", entry->cache_write_tokens) |
                 put_count(tokens, "output", entry->output_tokens) |
                 put_count(tokens, "reasoning", entry->reasoning_tokens);

    return failed ? NULL : EIN_TAKE(tokens);
}

static char *time_key(const char *uid, int64_t us)
{
    char *key;

    return asprintf(&key, "%s|%020" PRId64, uid, us) < 0 ? NULL : key;
}

json_t *entry_make(const struct ein_ledger_entry *entry)
{
    int64_t us = now_us();
    char now[TIMESTAMP_SIZE];
    EIN_FREE char *key = time_key(entry->user_id, us);
    EIN_JSON json_t *made = json_object();

    timestamp_now(now);
    int failed =
        json_object_set_new_nocheck(made, "userId", json_string(entry->user_id)) |
        json_object_set_new_nocheck(made, "userTime", key ? json_string(key) : NULL) |
        json_object_set_new_nocheck(made, "timestamp", json_string(now)) |
        json_object_set_new_nocheck(made, "createdAtUs", json_integer(us)) |
        json_object_set_new_nocheck(made, "costNano", json_integer(entry->cost)) |
        put_text(made, "keyId", entry->key_id) | put_text(made, "agentId", entry->agent_id) |
        put_text(made, "runId", entry->run_id) | put_text(made, "provider", entry->provider) |
        put_text(made, "model", entry->model) | put_text(made, "requestId", entry->request_id) |
        json_object_set_new_nocheck(made, "tokens", make_tokens(entry)) |
        put_value(made, "price", entry->price) | put_value(made, "metadata", entry->metadata);
    return failed ? NULL : EIN_TAKE(made);
}

json_t *entry_where(const char *uid, int64_t from_us, int64_t to_us)
{
    EIN_FREE char *from = time_key(uid, from_us);
    EIN_FREE char *to = time_key(uid, to_us);

    return from && to ? json_pack("{s:s, s:{s:s, s:s}}", "userId", uid, "userTime", "$gte", from,
                                  "$lt", to)
                      : NULL;
}

json_t *entry_where_all(int64_t from_us, int64_t to_us)
{
    return json_pack("{s:{s:I, s:I}}", "createdAtUs", "$gte", (json_int_t)from_us, "$lt",
                     (json_int_t)to_us);
}
