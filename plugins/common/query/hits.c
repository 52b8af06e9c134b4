/* SPDX-License-Identifier: Apache-2.0 */
#include "hits.h"

#include "cleanup.h"
#include "error.h"
#include <string.h>

enum { PAGE_PORTIONS = 8 }; /* of who takes a cursor, and so may keep what is found */

int hits_add(struct hits *hits, json_t *take_doc, uint64_t seq, size_t bytes, struct ein_error *err)
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
    hits->bytes += bytes;
    return 0;
}

void hits_done(struct hits *hits)
{
    for (size_t i = 0; i < hits->count; i++)
        json_decref(hits->list[i].doc);
    free(hits->list);
    *hits = (struct hits){ 0 };
}

/* One portion.  *ret_cursor, for free(), is NULL when nothing is left; or nothing that is asked
 * for, unless WANTS_CURSOR. */
static int find_portion(const struct hits_source *source, struct ein_query *from, ein_doc_fn *each,
                        void *data, bool wants_cursor, size_t *ret_bytes, char **ret_cursor,
                        struct ein_error *err)
{
    __attribute__((cleanup(hits_done))) struct hits hits = { 0 };
    __attribute__((cleanup(query_done))) struct query query;
    size_t given = 0;
    int stopped = 0;
    int r = query_parse(&query, source->set, from, err);

    if (r >= 0)
        r = source->collect(source->data, &query, &hits, err);
    *ret_bytes += hits.bytes;
    if (r < 0)
        return r;
    while (given < hits.count && given < query.limit && !stopped)
        stopped = each(hits.list[given++].doc, data);
    bool is_last = given == hits.count || !wants_cursor; /* else the limit was in the way */
    if (stopped < 0 || (is_last && !hits.cut && hits.bytes < source->max_bytes))
        return stopped;

    r = query_cursor(&query, hits.list[given - 1].doc, hits.list[given - 1].seq, ret_cursor, err);
    if (from->limit)
        from->limit -= (uint32_t)given;
    return r < 0 ? r : stopped;
}

int hits_find(const struct hits_source *source, const struct ein_query *from, ein_doc_fn *each,
              void *data, char **ret_cursor, struct ein_error *err)
{
    struct ein_query rest = { .struct_size = sizeof(rest) };
    EIN_FREE char *cursor = NULL;
    size_t bytes = 0;
    bool page_full;
    int r;

    if (from) {
        size_t size = from->struct_size < sizeof(rest) ? from->struct_size : sizeof(rest);
        memcpy(&rest, from, size);
        rest.struct_size = (uint32_t)size; /* by which it is refused, if that is too short */
    }
    do {
        char *next = NULL;

        r = find_portion(source, &rest, each, data, ret_cursor, &bytes, &next, err);
        free(cursor);
        rest.cursor = cursor = next;
        page_full = (from && from->limit && !rest.limit) ||
                    (ret_cursor && bytes / PAGE_PORTIONS >= source->max_bytes);
    } while (r == 0 && cursor && !page_full);

    if (ret_cursor && r >= 0) {
        *ret_cursor = cursor ? source->host->text_dup(cursor) : NULL;
        if (cursor && !*ret_cursor)
            return error_no_memory(err);
    }
    return r;
}
