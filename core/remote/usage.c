/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include "buf.h"
#include "cleanup.h"
#include "member.h"
#include "print.h"
#include "str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_cost(const void *left, const void *right)
{
    json_int_t a = integer_of(*(json_t *const *)left, "costNano");
    json_int_t b = integer_of(*(json_t *const *)right, "costNano");

    return (a < b) - (a > b);
}

/* ROWS, the dearest first; NULL: no memory. */
static json_t *sorted(json_t *rows)
{
    size_t count = json_array_size(rows), i;
    EIN_FREE json_t **list = calloc(count + 1, sizeof(json_t *));
    EIN_JSON json_t *sorted = json_array();
    json_t *row;

    if (!list || !sorted)
        return NULL;
    json_array_foreach(rows, i, row) list[i] = row;
    qsort(list, count, sizeof(json_t *), by_cost);
    for (i = 0; i < count; i++)
        if (json_array_append(sorted, list[i]) < 0)
            return NULL;
    return EIN_TAKE(sorted);
}

/* The rows of REPORT and then its total, as one table. */
static int show(const json_t *report, const char *by)
{
    const char *const titles[] = { "DAY", "MODEL", "AGENT", "KEY", "USER", NULL };
    const char *const members[] = { "day", "model", "agent", "key", "user", NULL };
    struct print_column columns[] = {
        { "", by },
        { "NAME", "name" },
        { "CALLS", "calls" },
        { "USD", "cost" },
        { "IN", "inputTokens" },
        { "OUT", "outputTokens" },
        { 0 },
    };
    bool has_days = str_eq(by, "day");
    json_t *rows = json_object_get(report, "rows"),
           *unsettled = json_object_get(report, "unsettled");
    EIN_JSON json_t *table = has_days ? json_copy(rows) : sorted(rows);
    EIN_JSON json_t *total = json_copy(json_object_get(report, "total"));

    for (size_t i = 0; titles[i]; i++)
        if (str_eq(by, members[i]))
            columns[0].title = titles[i];
    if (has_days || str_eq(by, "model")) /* these are names already */
        memmove(columns + 1, columns + 2, sizeof(columns) - 2 * sizeof(*columns));
    if (!table || !total || json_object_set_new(total, by, json_string("total")) < 0 ||
        json_array_append(table, total) < 0)
        return print_failure(REMOTE_FAILED, "no memory");
    print_list(stdout, false, table, columns);
    json_int_t open = integer_of(unsettled, "open") + integer_of(unsettled, "expired");
    EIN_FREE char *bound = print_value(json_object_get(unsettled, "bound"), 0);
    if (open > 0)
        (void)printf("and what is not settled: %" JSON_INTEGER_FORMAT ", at most USD %s\n", open,
                     bound ? bound : "?");
    return REMOTE_OK;
}

int usage_show(struct session *session, char **words)
{
    const struct options *options = session->options;
    const char *by = options->by ? options->by : "day";
    EIN_JSON json_t *report = NULL;
    struct buf path;
    int status;

    (void)words;
    buf_init(&path, SESSION_PATH_MAX);
    (void)buf_text(&path, options->all ? "/admin/usage" : "/users/me/usage");
    session_add_query(&path, "by", by);
    session_add_query(&path, "from", options->from);
    session_add_query(&path, "to", options->to);
    status = path.error ? print_failure(REMOTE_USAGE, "the query is too long")
                        : session_get(session, &report, path.data);
    buf_done(&path);
    if (status == REMOTE_OK && options->json)
        print_json(stdout, report);
    else if (status == REMOTE_OK)
        status = show(report, by);
    return status;
}
