/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "out.h"
#include "str.h"

#include <inttypes.h>

enum { TIME_DIGITS = 20, USUAL = 1024 /* bytes that an entry has room in */ };

/* Names come with what is before and behind them.  What is nothing takes no room: each call has an
 * entry.  Zero is nothing, and so is NULL. */

static void put_text(struct buf *out, const char *name, const char *text)
{
    if (!text)
        return;
    out_put(out, name);
    out_quoted(out, text);
}

/* Counts beyond what an integer of the store can be are no counts. */
static void put_number(struct buf *out, const char *name, uint64_t number)
{
    out_put(out, name);
    out_number(out, number > INT64_MAX ? INT64_MAX : number);
}

static void put_count(struct buf *out, const char *name, uint64_t count)
{
    if (count)
        put_number(out, name, count);
}

static void put_json(const struct ein_host *host, struct buf *out, const char *name,
                     const json_t *value)
{
    if (!value)
        return;
    char *text = host->json_text(value, NULL);
    out_put(out, name);
    if (text)
        out_put(out, text);
    else
        out->error = EIN_E_INVALID;
    host->mem_free(text);
}

/* As time_key(). */
static void put_user_time(struct buf *out, const char *uid, int64_t us)
{
    out_put(out, ",\"userTime\":\"");
    out_escaped(out, uid, strlen(uid));
    out_put(out, "|");
    out_digits(out, (uint64_t)us, TIME_DIGITS);
    out_put(out, "\"");
}

static void put_tokens(struct buf *out, const struct ein_ledger_entry *entry)
{
    put_number(out, ",\"tokens\":{\"input\":", entry->input_tokens);
    put_count(out, ",\"cached\":", entry->cached_tokens);
    put_count(out, ",\"cacheWrite\":", entry->cache_write_tokens);
    put_count(out, ",\"output\":", entry->output_tokens);
    put_count(out, ",\"reasoning\":", entry->reasoning_tokens);
    out_put(out, "}");
}

int entry_write(const struct ein_host *host, const struct ein_ledger_entry *entry, char **ret_text,
                struct ein_error *err)
{
    int64_t us = clock_wall_us();
    char now[CLOCK_ISO_SIZE], usual[USUAL];
    EIN_BUF struct buf out = BUF_INIT;

    clock_iso_at(now, us);
    buf_init_in(&out, usual, sizeof(usual), SIZE_MAX / 2);
    put_text(&out, "{\"userId\":", entry->user_id);
    put_user_time(&out, entry->user_id, us);
    put_text(&out, ",\"timestamp\":", now);
    put_number(&out, ",\"createdAtUs\":", (uint64_t)us);
    put_number(&out, ",\"costNano\":", (uint64_t)entry->cost);
    put_text(&out, ",\"keyId\":", entry->key_id);
    put_text(&out, ",\"agentId\":", entry->agent_id);
    put_text(&out, ",\"runId\":", entry->run_id);
    put_text(&out, ",\"provider\":", entry->provider);
    put_text(&out, ",\"model\":", entry->model);
    put_text(&out, ",\"requestId\":", entry->request_id);
    put_tokens(&out, entry);
    put_json(host, &out, ",\"price\":", entry->price);
    put_json(host, &out, ",\"metadata\":", entry->metadata);
    out_put(&out, "}");
    if (out.error == EIN_E_NO_MEMORY)
        return error_no_memory(err);
    if (out.error || !str_is_utf8(out.data, out.len))
        return error_set(err, EIN_E_INVALID, "The entry cannot be written as JSON");
    *ret_text = buf_take(&out, NULL);
    return 0;
}

static char *time_key(const char *uid, int64_t us)
{
    return str_print("%s|%0*" PRId64, uid, TIME_DIGITS, us);
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
