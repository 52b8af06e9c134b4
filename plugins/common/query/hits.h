/* SPDX-License-Identifier: Apache-2.0 */
/* What a find found, in order: one more than asked for, if there is more. */
#pragma once

#include "query.h"

struct hits {
    struct hit {
        json_t *doc;
        uint64_t seq;
    } * list;
    size_t count, capacity;
    size_t bytes; /* of what was read for them */
    bool cut;     /* not all that there may be was read */
};

/* Takes the reference, on failure too.  `bytes` were read and parsed for it. */
int hits_add(struct hits *hits, json_t *take_doc, uint64_t seq, size_t bytes,
             struct ein_error *err);
void hits_done(struct hits *hits);

/* Where the documents of one set come from. */
struct hits_source {
    const struct ein_host *host;
    /* Adds what QUERY finds, and may end once hits->bytes is max_bytes; or before, with fewer than
     * the query's limit, if it says that it has cut them. */
    int (*collect)(void *data, const struct query *query, struct hits *hits, struct ein_error *err);
    void *data;
    size_t max_bytes; /* that are in memory at once, and the one that passes it */
    const char *set;
};

/* ein_store.find: hands them to `each`, which may call the store, a portion of max_bytes after the
 * other; to who takes a cursor, eight of them at most.  The cursor is the host's memory. */
int hits_find(const struct hits_source *source, const struct ein_query *from, ein_doc_fn *each,
              void *data, char **ret_cursor, struct ein_error *err);
