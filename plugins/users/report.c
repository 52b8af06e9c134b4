/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "blocks.h"
#include "buf.h"
#include "calendar.h"
#include "cleanup.h"
#include "entry.h"
#include "error.h"
#include "purse.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PAGE = 1000, LABEL_SIZE = 600, TIME_SIZE = 32 };

/* The counts of a group, as they are named in JSON and in the first line of a CSV. */
static const char *const count_names[] = {
    "calls",        "costNano",        "inputTokens", "cachedTokens", "cacheWriteTokens",
    "outputTokens", "reasoningTokens", NULL
};

/* Reports whose labels are ids: the member of an entry that has it, and the set of documents that
 * know the name. */
static const struct kind {
    const char *by, *member, *set;
} kinds[] = {
    { "agent", "agentId", "agents" },
    { "key", "keyId", "api_keys" },
    { "user", "userId", USERS_SET },
};

/* NULL: the labels of this report are no ids. */
static const struct kind *kind_of(const struct report *report)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(report->by, kinds[i].by) == 0)
            return &kinds[i];
    return NULL;
}

/* ---- adding up ---- */

static void make_label(const struct report *report, const json_t *entry, char label[LABEL_SIZE])
{
    const struct kind *kind = kind_of(report);
    const char *provider = text_of(entry, "provider"), *model = text_of(entry, "model");

    *label = '\0';
    if (strcmp(report->by, "day") == 0)
        calendar_day_text(report->zone, integer_of(entry, "createdAtUs") / 1000, label);
    if (strcmp(report->by, "model") == 0 && model)
        snprintf(label, LABEL_SIZE, "%s%s%s", provider ? provider : "", provider ? "/" : "", model);
    if (kind)
        snprintf(label, LABEL_SIZE, "%s", text_or_empty(entry, kind->member));
}

static json_t *group_of(struct report *report, const char *label)
{
    json_t *group = json_object_get(report->groups, label);

    if (group)
        return group;
    if (json_object_size(report->groups) == report->users->report_rows) {
        error_set(&report->why, EIN_E_TOO_LARGE,
                  "The report would have more than %zu rows: choose a shorter time",
                  report->users->report_rows);
        return NULL;
    }
    group = json_object();
    if (json_object_set_new(report->groups, label, group) == 0)
        return group;
    (void)error_no_memory(&report->why);
    return NULL;
}

/* Sums that leave 64 bits stay at their end. */
static int add_count(json_t *counts, const char *name, int64_t by)
{
    int64_t sum;

    if (__builtin_add_overflow(integer_of(counts, name), by, &sum))
        sum = INT64_MAX;
    return json_object_set_new(counts, name, json_integer(sum));
}

static int add_entry_to(json_t *counts, const json_t *entry)
{
    static const char *const tokens[] = { "input", "cached", "cacheWrite", "output", "reasoning" };
    int r = add_count(counts, "calls", 1) |
            add_count(counts, "costNano", integer_of(entry, "costNano"));

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
        r |= add_count(counts, count_names[i + 2],
                       integer_of(json_object_get(entry, "tokens"), tokens[i]));
    return r;
}

static int add_entry(const json_t *entry, void *data)
{
    struct report *report = data;
    char label[LABEL_SIZE];
    json_t *group;

    make_label(report, entry, label);
    group = group_of(report, label);
    if (!group)
        return report->why.code;
    return add_entry_to(group, entry) | add_entry_to(report->total, entry)
               ? error_no_memory(&report->why)
               : 0;
}

/* ---- finding ---- */

static int walk(struct report *report, const char *set, const json_t *where, const char *field,
                const char *const *fields, ein_doc_fn *each)
{
    const char *const order[] = { field, NULL };
    struct ein_query query = { .struct_size = sizeof(query),
                               .limit = PAGE,
                               .where = where,
                               .order = order,
                               .fields = fields };
    const struct ein_host *host = report->users->host;
    char *cursor = NULL;
    int r;

    if (!where)
        return error_no_memory(&report->why);
    do {
        char *next = NULL;
        if (host->cancel->fired(report->cancel))
            r = error_set(&report->why, EIN_E_CANCELLED, "The client is gone");
        else
            r = host->store->find(report->users->ctx, set, &query, each, report, &next,
                                  &report->why);
        host->mem_free(cursor);
        query.cursor = cursor = next;
    } while (r >= 0 && cursor);
    host->mem_free(cursor);
    return r;
}

static int add_open(const json_t *hold, void *data)
{
    struct report *report = data;

    report->open++;
    report->unsettled += integer_of(hold, "boundNano");
    return 0;
}

static int add_expired(const json_t *hold, void *data)
{
    struct report *report = data;

    report->expired++;
    report->unsettled += integer_of(hold, "boundNano");
    return 0;
}

static int walk_unsettled(struct report *report, const char *set, ein_doc_fn *each)
{
    EIN_JSON json_t *where = entry_where_all(report->from_ms * 1000, report->to_ms * 1000);

    if (report->uid && json_object_set_new(where, "userId", json_string(report->uid)) < 0)
        return error_no_memory(&report->why);
    return walk(report, set, where, "createdAtUs", NULL, each);
}

static int add_name(const json_t *doc, void *data)
{
    struct report *report = data;
    const json_t *person = json_object_get(doc, "basicInfo");
    json_t *name = json_object_get(person ? person : doc, person ? "displayName" : "name");

    return json_is_string(name) ? json_object_set(report->names, text_of(doc, "_id"), name) : 0;
}

/* They are those of today, as what was is not kept in entries. */
static int find_names(struct report *report)
{
    static const char *const fields[] = { "name", "basicInfo", NULL };
    const struct kind *kind = kind_of(report);
    json_t *ids = kind ? json_array() : NULL;
    EIN_JSON json_t *where = kind ? json_pack("{s:{s:o}}", "_id", "$in", ids) : NULL;
    const char *label;
    json_t *counts;

    if (!kind)
        return 0;
    if (!where)
        return error_no_memory(&report->why);
    json_object_foreach(report->groups, label, counts)
    {
        if (json_array_append_new(ids, json_string(label)) < 0)
            return error_no_memory(&report->why);
    }
    return walk(report, kind->set, where, "_id", fields, add_name);
}

int report_run(struct report *report, struct ein_error *err)
{
    int64_t from_us = report->from_ms * 1000, to_us = report->to_ms * 1000;
    EIN_JSON json_t *where =
        report->uid ? entry_where(report->uid, from_us, to_us) : entry_where_all(from_us, to_us);
    int r = purse_flush(report->users, &report->why);

    for (size_t i = 0; r == 0 && count_names[i]; i++)
        r = add_count(report->total, count_names[i], 0) < 0 ? error_no_memory(&report->why) : 0;
    if (r == 0)
        r = walk(report, ENTRIES_SET, where, report->uid ? "userTime" : "createdAtUs", NULL,
                 add_entry);
    if (r >= 0)
        r = walk_unsettled(report, HOLDS_SET, add_open);
    if (r >= 0)
        r = walk_unsettled(report, EXPIRED_SET, add_expired);
    if (r >= 0)
        r = find_names(report);
    if (r < 0 && err)
        *err = report->why;
    return r < 0 ? r : 0;
}

/* ---- as JSON ---- */

static json_t *show_counts(const json_t *counts, json_t *take_shown)
{
    for (size_t i = 0; count_names[i]; i++) {
        int64_t value = integer_of(counts, count_names[i]);
        int r = 0;
        if (i == 1)
            r = json_object_set_new(take_shown, "cost", money_to_json(value));
        r |= json_object_set_new(take_shown, count_names[i], json_integer(value));
        if (r < 0) {
            json_decref(take_shown);
            return NULL;
        }
    }
    return take_shown;
}

static json_t *show_rows(const struct report *report)
{
    json_t *rows = json_array(), *counts;
    const char *label;

    json_object_foreach(report->groups, label, counts)
    {
        json_t *row = json_pack("{s:s?}", report->by, *label ? label : NULL);
        if (row && kind_of(report))
            (void)json_object_set_new(row, "name", json_pack("s?", text_of(report->names, label)));
        if (row && strcmp(report->by, "user") == 0 && blocks_has(report->users->blocks, label))
            (void)json_object_set_new(row, "blocked", json_true());
        if (json_array_append_new(rows, row ? show_counts(counts, row) : NULL) < 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

static void show_time(int64_t ms, char text[TIME_SIZE])
{
    time_t seconds = ms / 1000;
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, TIME_SIZE - len, ".%03d000Z", (int)(ms % 1000));
}

json_t *report_json(const struct report *report)
{
    char from[TIME_SIZE], to[TIME_SIZE];

    show_time(report->from_ms, from);
    show_time(report->to_ms, to);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:{s:I, s:I, s:o}}", "from", from, "to", to,
                     "by", report->by, "timeZone", report->time_zone, "total",
                     show_counts(report->total, json_object()), "rows", show_rows(report),
                     "unsettled", "open", (json_int_t)report->open, "expired",
                     (json_int_t)report->expired, "bound", money_to_json(report->unsettled));
}

/* ---- as CSV ---- */

/* In quotes; and what a spreadsheet would calculate begins with an apostrophe. */
static void write_cell(struct buf *out, const char *text)
{
    (void)buf_text(out, *text && strchr("=+-@\t\r", *text) ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            (void)buf_char(out, '"');
        (void)buf_char(out, *text);
    }
    (void)buf_char(out, '"');
}

static void write_row(struct buf *out, const struct report *report, const char *label,
                      const json_t *counts)
{
    char cost[MONEY_TEXT_SIZE];

    write_cell(out, label);
    if (kind_of(report)) {
        (void)buf_char(out, ',');
        write_cell(out, text_or_empty(report->names, label));
    }
    for (size_t i = 0; count_names[i]; i++) {
        int64_t value = integer_of(counts, count_names[i]);
        money_to_text(value, cost);
        if (i == 1)
            (void)buf_printf(out, ",%s", cost);
        else
            (void)buf_printf(out, ",%" JSON_INTEGER_FORMAT, (json_int_t)value);
    }
    (void)buf_text(out, "\r\n");
}

char *report_csv(const struct report *report, size_t *ret_len)
{
    struct buf out;
    const char *label;
    json_t *counts;

    buf_init(&out, SIZE_MAX);
    (void)buf_text(&out, report->by);
    (void)buf_text(&out, kind_of(report) ? ",name" : "");
    for (size_t i = 0; count_names[i]; i++)
        (void)buf_printf(&out, ",%s", i == 1 ? "cost" : count_names[i]);
    (void)buf_text(&out, "\r\n");
    json_object_foreach(report->groups, label, counts) write_row(&out, report, label, counts);
    return buf_take(&out, ret_len);
}
