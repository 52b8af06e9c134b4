/* SPDX-License-Identifier: Apache-2.0 */
#include "hits.h"

#include "cleanup.h"
#include "error.h"

int hits_add(struct hits *hits, json_t *take_doc, uint64_t seq, struct ein_error *err)
{
    if (hits->count == hits->capacity) {
        size_t capacity = hits->capacity ? hits->capacity * 2 : 16;
        struct hit *list = realloc(hits->list, capacity * sizeof(*list));
        if (!list) {
            json_decref(take_doc);
            return error_no_memory(err);
        }
        hits->list = list;
        hits->capacity = capacity;
    }
    hits->list[hits->count++] = (struct hit){ take_doc, seq };
    return 0;
}

static int give_cursor(const struct query *query, const struct ein_host *host,
                       const struct hit *last, char **ret_cursor, struct ein_error *err)
{
    EIN_FREE char *cursor = NULL;
    int r = query_cursor(query, last->doc, last->seq, &cursor, err);

    if (r < 0)
        return r;
    *ret_cursor = host->text_dup(cursor);
    return *ret_cursor ? 0 : error_no_memory(err);
}

int hits_deliver(const struct hits *hits, const struct query *query, const struct ein_host *host,
                 ein_doc_fn *each, void *data, char **ret_cursor, struct ein_error *err)
{
    size_t given = 0;
    int stopped = 0;

    while (given < hits->count && given < query->limit && !stopped)
        stopped = each(hits->list[given++].doc, data);
    if (stopped < 0 || !ret_cursor)
        return stopped;

    if (given == hits->count) {
        *ret_cursor = NULL;
        return stopped;
    }
    int r = give_cursor(query, host, &hits->list[given - 1], ret_cursor, err);
    return r < 0 ? r : stopped;
}

void hits_done(struct hits *hits)
{
    for (size_t i = 0; i < hits->count; i++)
        json_decref(hits->list[i].doc);
    free(hits->list);
    *hits = (struct hits){ 0 };
}
